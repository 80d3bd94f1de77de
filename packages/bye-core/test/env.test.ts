import { afterEach, expect, test, vi } from 'vitest';
import {
  ACTIVATION_VARIABLES,
  HANDOVER_VARIABLES,
  initialEnvironment,
  isDebugging,
  optionVariable,
  parseWholeNumber,
  readOptionVariable,
  readVariable,
  takeVariables,
  underTestRunner,
} from '../src/env.js';
import { startFixture } from './listeners/child.js';

afterEach(() => vi.unstubAllEnvs());

test('takeVariables() returns what is set, and takes it out', () => {
  vi.stubEnv('UPGRADE_FD', '3');
  vi.stubEnv('BYE_GENERATION', '');
  expect(takeVariables(HANDOVER_VARIABLES)).toStrictEqual({ UPGRADE_FD: '3', BYE_GENERATION: '' });
  expect(process.env).not.toHaveProperty('UPGRADE_FD');
  expect(takeVariables(HANDOVER_VARIABLES)).toStrictEqual({});
});

test.each([
  ['0', 0],
  ['3', 3],
  ['007', 7],
  [String(Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER],
])('parseWholeNumber() reads %s', (text, number) => {
  expect(parseWholeNumber('UPGRADE_FD', text)).toBe(number);
});

test.each(['', ' 3', '3 ', '-1', '+1', '1.5', '1e3', '0x10', 'abc', '٣', '9007199254740992', '3\n'])(
  'parseWholeNumber() refuses %j, and names the variable',
  (text) => {
    expect(() => parseWholeNumber('UPGRADE_FD', text)).toThrow(
      expect.objectContaining({
        code: 'ERR_BYE_ENVIRONMENT',
        data: { variable: 'UPGRADE_FD', value: text },
        message: expect.stringMatching(/UPGRADE_FD.*unset it/s),
      }),
    );
  },
);

test('parseWholeNumber() refuses what exceeds its limit', () => {
  expect(parseWholeNumber('LISTEN_FDS', '10', 10)).toBe(10);
  expect(() => parseWholeNumber('LISTEN_FDS', '11', 10)).toThrow('at most 10');
});

test('optionVariable() names the variable of an option', () => {
  expect(optionVariable('shutdownDelayMs')).toBe('BYE_SHUTDOWN_DELAY_MS');
  expect(optionVariable('exit')).toBe('BYE_EXIT');
});

test('readOptionVariable() takes an empty variable for none', () => {
  vi.stubEnv('BYE_EXIT', '');
  expect(readOptionVariable('exit')).toEqual({ name: 'BYE_EXIT', value: undefined });
  vi.stubEnv('BYE_EXIT', 'false');
  expect(readOptionVariable('exit').value).toBe('false');
});

test.each(['NODE_TEST_CONTEXT', 'VITEST', 'JEST_WORKER_ID'])('underTestRunner() is told by %s', (name) => {
  for (const each of ['NODE_TEST_CONTEXT', 'VITEST', 'JEST_WORKER_ID']) vi.stubEnv(each, undefined);
  expect(underTestRunner()).toBe(false);
  vi.stubEnv(name, '1');
  expect(underTestRunner()).toBe(true);
});

test('initialEnvironment() is what the process was started with, without what was meant for it alone', async () => {
  const own: string[] = [...HANDOVER_VARIABLES, ...ACTIVATION_VARIABLES];
  const env = {
    KEPT: 'a=b',
    LINES: 'one\ntwo',
    ...Object.fromEntries(own.map((name) => [name, '1'])),
    CHANGED: 'first',
  };
  const child = startFixture(import.meta.url, 'initial-environment.ts', [], { env });
  const seen = JSON.parse(await child.line());
  expect(seen).toMatchObject({ KEPT: 'a=b', LINES: 'one\ntwo', CHANGED: 'first' });
  expect(Object.keys(seen).filter((name) => own.includes(name))).toEqual([]);
  expect(seen).not.toHaveProperty('ADDED');
});

test('initialEnvironment() falls back to process.env where /proc is missing', async () => {
  vi.resetModules();
  vi.doMock('node:fs', () => ({
    readFileSync: () => {
      throw new Error('ENOENT');
    },
  }));
  const { initialEnvironment: withoutProc } = await import('../src/env.js');
  vi.doUnmock('node:fs');
  vi.stubEnv('ADDED_LATER', 'yes');
  vi.stubEnv('UPGRADE_FD', '3');
  vi.stubEnv('NODE_CHANNEL_FD', '4');
  expect(withoutProc()).toMatchObject({ ADDED_LATER: 'yes' });
  expect(withoutProc()).not.toHaveProperty('UPGRADE_FD');
  expect(withoutProc()).not.toHaveProperty('NODE_CHANNEL_FD');
  expect(process.env['UPGRADE_FD']).toBe('3');
  expect(initialEnvironment()).not.toHaveProperty('ADDED_LATER');
});

test.each([
  ['bye', true],
  ['BYE', true],
  ['http, bye ,net', true],
  ['goodbye', false],
  ['http', false],
  ['', false],
  [undefined, false],
])('isDebugging() with NODE_DEBUG=%s is %s', (text, expected) => {
  vi.stubEnv('NODE_DEBUG', text);
  expect(isDebugging()).toBe(expected);
});

test('readVariable() reads what the process has now', () => {
  vi.stubEnv('PIDFILE', '/run/app.pid');
  expect(readVariable('PIDFILE')).toBe('/run/app.pid');
  vi.stubEnv('PIDFILE', undefined);
  expect(readVariable('PIDFILE')).toBeUndefined();
});
