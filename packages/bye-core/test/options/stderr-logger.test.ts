import { beforeEach, expect, test, vi } from 'vitest';
import { createStderrLogger, isLogLevel, type LogLevel } from '../../src/options/stderr-logger.js';
import { startFixture } from '../listeners/child.js';

const writeSync = vi.hoisted(() => vi.fn());
vi.mock('node:fs', async (original) => ({ ...(await original<typeof import('node:fs')>()), writeSync }));
beforeEach(() => {
  writeSync.mockReset();
});

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

test.each([
  ['debug', LEVELS],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['silent', []],
] as [LogLevel, readonly string[]][])('createStderrLogger() of %s writes %j', (least, written) => {
  const logger = createStderrLogger(least, 7);
  for (const level of LEVELS) logger[level]({}, level);
  expect(writeSync.mock.calls).toEqual(written.map((level) => [2, `bye[7] ${level}: ${level}\n`]));
});

test('createStderrLogger() writes one line for an event, whatever is in it', () => {
  createStderrLogger('warn', 7).warn({ secret: 'not told' }, 'one\ntwo\n');
  expect(writeSync).toHaveBeenCalledWith(2, 'bye[7] warn: one two \n');
});

test.each(['EAGAIN', 'EPIPE', 'EBADF', 'ENOSPC'])('createStderrLogger() is silent when stderr fails: %s', (code) => {
  writeSync.mockImplementation(() => {
    throw Object.assign(new Error(code), { code });
  });
  expect(() => createStderrLogger('warn', 7).error({}, 'lost')).not.toThrow();
  expect(writeSync).toHaveBeenCalled();
});

test('createStderrLogger() does not end a process whose stderr is closed', async () => {
  const child = startFixture(import.meta.url, 'log-after-close.ts', []);
  expect(await child.line()).toBe('still here');
});

test('isLogLevel() knows the five words', () => {
  expect(['debug', 'info', 'warn', 'error', 'silent'].every(isLogLevel)).toBe(true);
  expect(['', 'trace', 'WARN', 'toString'].some(isLogLevel)).toBe(false);
});
