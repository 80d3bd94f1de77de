import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { realHost } from '../../src/host.js';
import { type BindPlan, planBind, publish } from '../../src/listeners/unix-bind.js';
import { removeStale, socketIdentity } from '../../src/listeners/unix-path.js';
import { endAfterTest, startFixture } from './child.js';
import { ask, Hammer, scratchDirectory } from './scratch.js';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

function planFor(path: string): BindPlan {
  const plan = planBind(path);
  if (plan === undefined) throw new Error(`No plan for ${path}`);
  return plan;
}

/** Binds and listens at the temporary name, as `listen()` does: synchronously. */
function bind(plan: BindPlan): void {
  open.push(createServer((socket) => socket.end('here')).listen(plan.bindPath));
}

const owner = (...args: string[]) => startFixture(import.meta.url, 'unix-owner.ts', args);
const clear = (path: string) => removeStale(path, realHost);
const eexist = expect.objectContaining({ code: 'EEXIST' });

describe('planBind()', () => {
  const bytes = (length: number, name: string) => `/${'d'.repeat(length - name.length - 2)}/${name}`;

  it('names a fresh sibling', () => {
    const plans = [planFor('/run/app.sock'), planFor('/run/app.sock')].map(({ bindPath }) => bindPath);
    expect(plans).toEqual([expect.stringMatching(/^\/run\/\.bye-[\da-f]{8}$/), expect.stringMatching(/^\/run\/\./)]);
    expect(plans[0]).not.toBe(plans[1]);
  });

  it('leaves the directory as it was given', () => {
    expect(planFor('app.sock').bindPath).toMatch(/^\.bye-\w+$/);
    expect(planFor('../run/./app.sock').bindPath).toMatch(/^\.\.\/run\/\.\/\.bye-\w+$/);
  });

  it.each([['linux', 107] as const, ['darwin', 103] as const])('fits into sun_path on %s', (platform, limit) => {
    expect(planBind(bytes(limit, 'app.sock'), platform)?.bindPath).toHaveLength(limit);
    expect(planBind(bytes(limit, 'a.so'), platform)?.bindPath).toHaveLength(limit);
    expect(planBind(bytes(limit, 'a.s'), platform)).toBeUndefined();
    expect(planBind(bytes(limit + 1, 'app.sock'), platform)).toBeUndefined();
    // Bytes count, not characters.
    expect(planBind(bytes(limit - 3, 'ääää'), platform)).toBeUndefined();
  });

  it('gives none for an abstract name, a directory, or on Windows', () => {
    expect(planBind('\0app')).toBeUndefined();
    expect(planBind('/run/')).toBeUndefined();
    expect(planBind('\\\\.\\pipe\\app', 'win32')).toBeUndefined();
  });
});

describe('publish()', () => {
  it('makes a path that survives its creator, with a client connecting every millisecond (T16)', async () => {
    const path = join(scratchDirectory(), 'app.sock');
    const first = owner(path);
    expect(await first.line()).toBe('listening');
    const hammer = new Hammer(path);
    await hammer.answeredBy(first.pid, 20);
    first.say('pass');
    const second = Number(await first.line());
    endAfterTest(second);
    await hammer.answeredBy(second, 1);
    first.say('close');
    expect(await first.line()).toBe('closed');
    await hammer.answeredBy(second, 100);
    await hammer.stop();
    expect(hammer.failures).toEqual([]);
    expect(await ask(path)).toBe(String(second));
  });

  it('refuses the path of a live owner, which serves on', async () => {
    const directory = scratchDirectory();
    const path = join(directory, 'app.sock');
    const first = owner(path);
    expect(await first.line()).toBe('listening');
    const second = owner(path);
    expect(await second.line()).toBe('EEXIST');
    expect(await ask(path)).toBe(String(first.pid));
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('replaces what a crash left', async () => {
    const directory = scratchDirectory();
    const path = join(directory, 'app.sock');
    const first = owner(path);
    expect(await first.line()).toBe('listening');
    await first.crash();
    await expect(ask(path)).rejects.toThrow('ECONNREFUSED');
    const second = owner(path);
    expect(await second.line()).toBe('listening');
    expect(await ask(path)).toBe(String(second.pid));
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('lets one of two win that start on a stale path at once', async () => {
    const directory = scratchDirectory();
    for (let round = 0; round < 3; round++) {
      const path = join(directory, `${round}.sock`);
      const stale = owner(path);
      await stale.line();
      await stale.crash();
      const both = [owner(path), owner(path)];
      const lines = await Promise.all(both.map((child) => child.line()));
      expect([...lines].sort()).toEqual(['EEXIST', 'listening']);
      expect(await ask(path)).toBe(String(both[lines.indexOf('listening')]?.pid));
    }
    expect(readdirSync(directory)).toHaveLength(3);
  });

  it.each(['file', 'directory', 'dangling link'])('never touches a %s at the path', async (kind) => {
    const directory = scratchDirectory();
    const path = join(directory, 'app.sock');
    if (kind === 'file') writeFileSync(path, 'precious');
    if (kind === 'directory') mkdirSync(path);
    if (kind === 'dangling link') symlinkSync('nowhere', path);
    const node = await new Promise<NodeJS.ErrnoException>((resolve) =>
      createServer().listen(path).on('error', resolve),
    );
    expect(node.code).toBe('EADDRINUSE');
    const plan = planFor(path);
    bind(plan);
    expect(() => publish(plan, { clear })).toThrow(eexist);
    if (kind === 'file') expect(readFileSync(path, 'utf8')).toBe('precious');
    expect(readdirSync(directory)).toEqual(['app.sock']);
  });

  it('serves at a path of 100 bytes, and at the longest that there is', async () => {
    for (const [length, name] of [
      [100, 'app.sock'],
      [107, 'a.so'],
    ] as const) {
      const directory = scratchDirectory(length - name.length - 1);
      const plan = planFor(join(directory, name));
      expect(plan.path).toHaveLength(length);
      bind(plan);
      publish(plan);
      expect(await ask(plan.path)).toBe('here');
      expect(readdirSync(directory)).toEqual([name]);
    }
  });

  it('keeps the inode, and with it mode and owner', () => {
    const plan = planFor(join(scratchDirectory(), 'app.sock'));
    bind(plan);
    chmodSync(plan.bindPath, 0o640);
    if (process.getuid?.() === 0) chownSync(plan.bindPath, 65534, 65534);
    const bound = statSync(plan.bindPath);
    const identity = socketIdentity(plan.bindPath);
    expect(publish(plan)).toBe(identity);
    expect(socketIdentity(plan.path)).toBe(identity);
    const { mode, uid, gid } = statSync(plan.path);
    expect({ mode, uid, gid }).toEqual({ mode: bound.mode, uid: bound.uid, gid: bound.gid });
    expect(mode & 0o777).toBe(0o640);
  });

  it.each([
    [{ readableAll: true }, 0o644],
    [{ writableAll: true }, 0o622],
    [{ readableAll: true, writableAll: true }, 0o666],
  ])('opens the socket to others as listen() does: %o', (options, mode) => {
    const plan = planFor(join(scratchDirectory(), 'app.sock'));
    bind(plan);
    chmodSync(plan.bindPath, 0o600);
    publish(plan, options);
    expect(statSync(plan.path).mode & 0o777).toBe(mode);
  });

  it('says so if nothing was bound', () => {
    const plan = planFor(join(scratchDirectory(), 'app.sock'));
    expect(() => publish(plan)).toThrow(/no socket is bound at/);
  });

  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot || readFileSync('/proc/sys/fs/protected_hardlinks', 'utf8').trim() !== '1')(
    'moves a socket that it may not link, and still takes nothing away',
    async () => {
      const directory = scratchDirectory();
      chmodSync(directory, 0o777);
      const path = join(directory, 'app.sock');
      const child = startFixture(import.meta.url, 'publish-unlinkable.ts', [path]);
      expect([await child.line(), await child.line()]).toEqual(['EPERM', 'done']);
      expect(await ask(path)).toBe('served');
      const other = startFixture(import.meta.url, 'publish-unlinkable.ts', [path]);
      expect([await other.line(), await other.line()]).toEqual(['EPERM', 'EEXIST']);
      expect(readdirSync(directory)).toEqual(['app.sock']);
    },
  );
});
