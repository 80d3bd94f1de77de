import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PidFile } from '../src/pid-file.js';

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bye-pid-'));
  path = join(root, 'app.pid');
});
afterEach(() => rmSync(root, { recursive: true }));

const written = () => readFileSync(path, 'utf8');

test('write() writes the decimal PID and a newline, readable for everybody', () => {
  new PidFile(path, 4711).write();
  expect(written()).toBe('4711\n');
  expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
});

test('write() replaces the file in one step: a reader that has it open keeps the old one', () => {
  writeFileSync(path, '1\n');
  const before = statSync(path).ino;
  new PidFile(path, 4711).write();
  expect(statSync(path).ino).not.toBe(before);
  expect(readdirSync(root)).toEqual(['app.pid']);
});

test('write() replaces a link, and not the file it leads to', () => {
  writeFileSync(join(root, 'other'), 'precious');
  symlinkSync('other', path);
  new PidFile(path, 4711).write();
  expect(written()).toBe('4711\n');
  expect(readFileSync(join(root, 'other'), 'utf8')).toBe('precious');
});

test.each([
  ['its directory is missing', () => {}, 'missing/app.pid', 'ENOENT'],
  ['its directory is a file', () => writeFileSync(path, ''), 'app.pid/app.pid', 'ENOTDIR'],
  ['it is a directory itself', () => mkdirSync(path), 'app.pid', 'EISDIR'],
])('write() says so if %s', (_title, prepare, name, code) => {
  prepare();
  const file = join(root, name);
  expect(() => new PidFile(file, 4711).write()).toThrow(
    expect.objectContaining({
      code: 'ERR_BYE_PID_FILE',
      data: { path: file },
      message: expect.stringContaining(file),
      cause: expect.objectContaining({ code }),
    }),
  );
});

test('write() leaves no temporary file when it fails', () => {
  mkdirSync(path);
  expect(() => new PidFile(path, 4711).write()).toThrow();
  expect(readdirSync(root)).toEqual(['app.pid']);
});

test.each([
  ['names another process', () => writeFileSync(path, '9\n')],
  ['is gone', () => {}],
])('restore() writes the file if it %s', (_title, prepare) => {
  prepare();
  new PidFile(path, 4711).restore();
  expect(written()).toBe('4711\n');
});

test('restore() leaves a file alone that is right', () => {
  writeFileSync(path, '4711');
  chmodSync(path, 0o600);
  const before = statSync(path).ino;
  new PidFile(path, 4711).restore();
  expect(statSync(path).ino).toBe(before);
});

test('remove() removes its own file, and no other', () => {
  const file = new PidFile(path, 4711);
  file.write();
  file.remove();
  expect(readdirSync(root)).toEqual([]);
  file.remove();
  writeFileSync(path, '47110\n');
  file.remove();
  expect(written()).toBe('47110\n');
});
