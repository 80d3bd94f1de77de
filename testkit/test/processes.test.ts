/** What the harness says about processes: generations it follows, strays it finds, and that it leaves none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  type App,
  cleanEnvironment,
  openDescriptors,
  processState,
  startApp,
  threadCount,
  until,
} from '../src/index.js';

const directory = mkdtempSync(join(tmpdir(), 'testkit-'));
afterAll(() => rmSync(directory, { recursive: true }));

let app: App | undefined;
afterEach(async () => {
  await app?.dispose();
  app = undefined;
});

/** Replaces itself at SIGUSR1 as an application would, without any care. */
const REPLACES_ITSELF = script(`
  import { spawn } from 'node:child_process';
  const generation = Number(process.env.GENERATION ?? 0);
  setInterval(() => {}, 1000);
  process.once('SIGUSR1', () => {
    spawn(process.execPath, [process.argv[1]], { detached: true, stdio: 'inherit', env: { ...process.env, GENERATION: generation + 1 } });
    setTimeout(() => process.exit(), 200);
  });
  console.log('ready pid=' + process.pid + ' generation=' + generation + ' port=80');
`);

it('tells how a process ended, and what it printed', async () => {
  app = startApp(['-e', 'console.log("one"); console.error("two"); process.exitCode = 3']);
  expect(await app.waitForExit()).toEqual({ code: 3, signal: null });
  expect([await app.waitForLine('one'), await app.waitForLine(/^two$/)]).toEqual(['one', 'two']);
});

it('says what was printed when a line does not come', async () => {
  app = startApp(['-e', 'console.log("something else")']);
  await app.waitForLine('something');
  await expect(app.waitForLine('ready', { timeoutMs: 50 })).rejects.toThrow('stdout: something else');
});

it('gives its processes nothing of the test runner', () => {
  const environment = cleanEnvironment({ MINE: '1', HOME: undefined });
  expect(Object.keys(environment).filter((name) => /VITEST|NODE_ENV|npm_|NODE_OPTIONS|^HOME$/.test(name))).toEqual([]);
  expect(environment).toMatchObject({ MINE: '1', PATH: expect.stringContaining('/usr/bin') });
});

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  it('follows the generations', async () => {
    app = startApp(REPLACES_ITSELF);
    const first = await app.waitForGeneration(0);
    expect(first).toEqual({ pid: app.pid, generation: 0, port: 80 });
    for (const generation of [1, 2]) {
      const old = app.current();
      app.kill('SIGUSR1');
      const next = await app.waitForGeneration(generation);
      await app.waitUntilGone(old.pid);
      expect(app.current()).toEqual(next);
    }
    expect(app.generations()).toHaveLength(3);
    expect(await app.exited).toEqual({ code: 0, signal: null });
    expect(app.strays().map(({ pid }) => pid)).toEqual([app.current().pid]);
    await app.dispose();
    expect(app.strays()).toEqual([]);
  });

  it('fails at the end if a process is left that nobody answers for, and ends that too', async () => {
    const left = startApp([
      '-e',
      `
      const { pid } = require('node:child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
      console.log('left ' + pid);
      process.exit();
    `,
    ]);
    const pid = Number((await left.waitForLine('left')).split(' ')[1]);
    await left.waitForExit();
    expect(left.strays()).toMatchObject([{ pid, commandLine: 'sleep 1000' }]);
    await expect(left.dispose({ graceMs: 100 })).rejects.toThrow('sleep 1000 left behind');
    await until(() => left.strays().length === 0);
  });

  it('finds zombies', async () => {
    app = startApp(['-c', 'true & exec sleep 1000'], { execPath: '/bin/sh' });
    const zombies = await until(() => (app?.strays() ?? []).filter(({ state }) => state === 'Z')[0]);
    expect(zombies).toMatchObject({ parentPid: app.pid, state: 'Z', commandLine: '' });
  });

  it('counts what a process has open', async () => {
    app = startApp([
      '-e',
      'require("node:fs").openSync("/etc/hostname"); console.log("open"); setInterval(() => {}, 1000)',
    ]);
    await app.waitForLine('open');
    const { byKind, total } = openDescriptors(app.pid);
    expect(byKind).toMatchObject({ '/etc/hostname': 1, 'anon_inode:[eventpoll]': expect.any(Number) });
    expect(total).toBe(Object.values(byKind).reduce((sum, count) => sum + count, 0));
    expect(threadCount(app.pid)).toBeGreaterThan(1);
    expect(processState(app.pid)).toMatch(/[RS]/);
  });
});

function script(text: string): string {
  const path = join(directory, 'app.mjs');
  writeFileSync(path, text);
  return path;
}
