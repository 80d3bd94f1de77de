import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { checkSocketPath } from '../../src/control/socket-path.js';
import type { ByeError } from '../../src/errors.js';
import { scratchDirectory } from '../listeners/scratch.js';

const LINUX = { platform: 'linux' } as const;
let directory: string;
beforeEach(() => {
  directory = scratchDirectory();
});

function check(path: string, host: Parameters<typeof checkSocketPath>[1] = LINUX, uid?: number): string {
  try {
    checkSocketPath(path, host, uid);
    return 'fine';
  } catch (error) {
    const { code, data } = error as ByeError<'ERR_BYE_CONTROL_SOCKET'>;
    expect(code).toBe('ERR_BYE_CONTROL_SOCKET');
    expect(data.path).toBe(path);
    return data.reason;
  }
}

test('takes a directory of this user, an empty place in it, and a socket that is there', async () => {
  const path = join(directory, 'control.sock');
  expect(check(path)).toBe('fine');
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  expect(check(path)).toBe('fine');
  server.close();
});

test.each([
  [0o755, 'fine'],
  [0o700, 'fine'],
  [0o750, 'fine'],
  [0o775, 'not-private'],
  [0o757, 'not-private'],
  [0o777, 'not-private'],
  [0o1777, 'not-private'],
])('a directory of mode %o is %s', (mode, verdict) => {
  chmodSync(directory, mode);
  expect(check(join(directory, 'control.sock'))).toBe(verdict);
});

test('a directory of root is fine for everybody, that of another user for nobody', () => {
  const uid = process.getuid?.() ?? 0;
  expect(check('/usr/control.sock', LINUX, 12_345)).toBe('fine');
  expect(check(join(directory, 'control.sock'), LINUX, uid)).toBe('fine');
  if (uid === 0) chownSync(directory, 65_534, 65_534);
  expect(check(join(directory, 'control.sock'), LINUX, uid === 0 ? 0 : uid + 1)).toBe('not-private');
});

test('a directory that is missing, or a file, or beneath a file is none', () => {
  writeFileSync(join(directory, 'file'), '');
  expect(check(join(directory, 'missing/control.sock'))).toBe('no-directory');
  expect(check(join(directory, 'file/control.sock'))).toBe('no-directory');
  expect(check(join(directory, 'file/more/control.sock'))).toBe('no-directory');
});

test('anything else than a socket is in the way, a link as well', () => {
  for (const make of [
    (path: string) => writeFileSync(path, ''),
    (path: string) => mkdirSync(path),
    (path: string) => symlinkSync('nowhere', path),
  ]) {
    const path = join(scratchDirectory(), 'control.sock');
    make(path);
    expect(check(path)).toBe('not-a-socket');
  }
});

test('a path has as many bytes as the system gives a socket, and room for a name beside it', () => {
  const pathOf = (length: number) => join(directory, 'x'.repeat(length - directory.length - 1));
  expect(check(pathOf(107))).toBe('fine');
  expect(check(pathOf(108))).toBe('too-long');
  expect(check(join(directory, 'ü'.repeat(50)))).toBe('too-long');
  expect(check(pathOf(103), { platform: 'darwin' })).toBe('fine');
  expect(check(pathOf(104), { platform: 'darwin' })).toBe('too-long');
  const deep = scratchDirectory(104);
  expect(check(join(deep, 'a'))).toBe('too-long');
});
