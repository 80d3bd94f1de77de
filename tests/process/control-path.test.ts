/** Where a control socket may stand, and who may connect to it: everything else ends the start. */

import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { type App, startApp } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, describe, expect } from 'vitest';
import { askControl, ControlClient, STATUS, STOP, statusPid, UPGRADE } from '../control.js';
import { type Plan, Scratch } from '../listeners.js';
import { LAB } from '../service.js';

const test = anyTest.skipIf(process.platform !== 'linux');

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = new Scratch();
  path = scratch.path('control.sock');
});
afterEach(() => scratch[Symbol.dispose]());

const PORT = { name: 'app', listen: { port: 0, host: '127.0.0.1' } };
const plan = (options: object = { controlSocket: path }): Plan => ({ listeners: [PORT], options });
const sockets = () => readdirSync(scratch.dir).filter((name) => name !== 'plan.json');

describe('a start', () => {
  const refused = async (reason: string, options = plan()): Promise<string> => {
    await using app = scratch.start(options);
    expect((await app.waitForExit()).code).toBe(1);
    const text = app.log.toString();
    expect(text).toContain('ERR_BYE_CONTROL_SOCKET');
    expect(text).toContain(`reason: '${reason}'`);
    return text;
  };

  test('replaces what SIGKILL left behind', async () => {
    await using killed = scratch.start(plan());
    const { pid } = await killed.waitForGeneration(0);
    killed.kill('SIGKILL');
    await killed.waitUntilGone(pid);
    expect(sockets()).toEqual(['control.sock']);
    await using app = scratch.start(plan());
    await app.waitForGeneration(0);
    expect(await statusPid(path)).toBe(app.pid);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('refuses the path of another process that lives, and leaves it alone', async () => {
    await using first = scratch.start(plan());
    await first.waitForGeneration(0);
    expect(await refused('in-use')).toMatch(/stop that one/);
    expect(await statusPid(path)).toBe(first.pid);
  });

  test('refuses a file that is no socket, and leaves it alone', async () => {
    writeFileSync(path, 'precious');
    expect(await refused('not-a-socket')).toMatch(/move it away/);
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  test('refuses a directory that others may write to, or that belongs to another user', async () => {
    const open = scratch.path('open');
    mkdirSync(open);
    for (const mode of [0o777, 0o1777, 0o775, 0o757]) {
      chmodSync(open, mode);
      const text = await refused('not-private', plan({ controlSocket: `${open}/control.sock` }));
      expect(text).toMatch(/RuntimeDirectory=/);
    }
    chmodSync(open, 0o755);
    if (process.getuid?.() === 0) {
      chownSync(open, 65534, 65534);
      expect(await refused('not-private', plan({ controlSocket: `${open}/control.sock` }))).toMatch(/user 65534/);
    }
    expect(readdirSync(open)).toEqual([]);
  });

  test('refuses a directory that is not there, and one that is a file', async () => {
    await refused('no-directory', plan({ controlSocket: scratch.path('missing/control.sock') }));
    writeFileSync(scratch.path('file'), '');
    await refused('no-directory', plan({ controlSocket: scratch.path('file/control.sock') }));
  });

  test('refuses a path that is too long for a socket, and takes one that just fits', async () => {
    const filler = 'x'.repeat(107 - scratch.dir.length - 1);
    expect(await refused('too-long', plan({ controlSocket: scratch.path(`${filler}y`) }))).toMatch(/108 bytes/);
    await using app = scratch.start(plan({ controlSocket: scratch.path(filler) }));
    await app.waitForGeneration(0);
    expect(await askControl(scratch.path(filler), STATUS)).toMatchObject({ ok: true });
  });

  test.each([0o000, 0o022, 0o777])('opens it with mode 0600 under umask %o', async (umask) => {
    const before = process.umask(umask);
    let app: App;
    try {
      app = startApp(LAB, { env: { BYE_CONTROL_SOCKET: path } });
    } finally {
      process.umask(before);
    }
    await using _ = app;
    await app.waitForGeneration(0);
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
  });
});

test('an upgrade to a version whose socket cannot be opened fails, and the old one serves on', async () => {
  await using app = scratch.start(plan());
  await app.waitForGeneration(0);
  scratch.plan(plan({ controlSocket: scratch.path('missing/control.sock') }));
  const result = await askControl(path, UPGRADE);
  expect(result).toMatchObject({
    ok: false,
    error: {
      code: 'ERR_BYE_UPGRADE_EXITED',
      cause: { code: 'ERR_BYE_CONTROL_SOCKET', data: { reason: 'no-directory' } },
    },
  });
  expect(await statusPid(path)).toBe(app.pid);
});

test('an upgrade opens it anew where the path does not lead to it any more', async () => {
  for (const release of ['one', 'two']) mkdirSync(scratch.path(release));
  const deploy = (release: string) => {
    rmSync(scratch.path('current'), { force: true });
    symlinkSync(release, scratch.path('current'));
  };
  deploy('one');
  path = scratch.path('current/control.sock');
  await using app = scratch.start(plan());
  await app.waitForGeneration(0);
  const upgrade = async (generation: number) => {
    const old = app.current().pid;
    app.kill('SIGUSR1', old);
    const { pid } = await app.waitForGeneration(generation);
    await app.waitUntilGone(old);
    expect(await statusPid(path)).toBe(pid);
  };
  deploy('two');
  await upgrade(1);
  // With the one that nobody serves any more.
  deploy('one');
  await upgrade(2);
  rmSync(path);
  await upgrade(3);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(app.log.toString()).not.toContain('does not listen on it');
  await askControl(path, STOP);
  expect(readdirSync(scratch.path('current'))).toEqual([]);
});

test('a socket of somebody else that takes the path while it lives is left alone at the stop', async () => {
  await using app = scratch.start(plan());
  await app.waitForGeneration(0);
  const client = new ControlClient(path);
  await new Promise((resolve) => client.socket.once('connect', resolve));
  // Moved away by an operator, and something else put there.
  renameSync(path, scratch.path('moved'));
  const other = createServer().listen(path);
  await new Promise((resolve) => other.once('listening', resolve));
  await client.ask(STOP).result();
  await app.waitForExit();
  expect(sockets().sort()).toEqual(['control.sock', 'moved']);
  await new Promise((resolve) => other.close(resolve));
});
