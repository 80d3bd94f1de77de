import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { announceReady } from '../../src/upgrade/announce.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bye-announce-'));
});
afterEach(() => rmSync(root, { recursive: true }));

test('announceReady() writes one byte and closes the descriptor', () => {
  const path = join(root, 'pipe');
  const fd = openSync(path, 'w');
  announceReady(String(fd));
  expect(readFileSync(path)).toHaveLength(1);
  expect(() => fstatSync(fd)).toThrow('EBADF');
});

test('announceReady() takes a reader that has gone for no error', () => {
  const path = join(root, 'fifo');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const reader = openSync(path, 'r+');
  const fd = openSync(path, 'w');
  closeSync(reader);
  expect(() => announceReady(String(fd))).not.toThrow();
  expect(() => fstatSync(fd)).toThrow('EBADF');
});

test.each([
  ['is not open', () => 1_000_000],
  ['cannot be written', () => openSync(import.meta.filename, 'r')],
])('announceReady() says so if the descriptor %s', (_title, open) => {
  const fd = open();
  expect(() => announceReady(String(fd))).toThrow(
    expect.objectContaining({
      code: 'ERR_BYE_READY_PIPE',
      data: { fd },
      cause: expect.objectContaining({ code: 'EBADF' }),
    }),
  );
});

test.each(['', 'three', '-1', '2147483648'])('announceReady() refuses UPGRADE_FD=%j', (text) => {
  expect(() => announceReady(text)).toThrow(expect.objectContaining({ code: 'ERR_BYE_ENVIRONMENT' }));
});
