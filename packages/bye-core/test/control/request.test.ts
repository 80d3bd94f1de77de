import { describe, expect, test } from 'vitest';
import { parseRequest } from '../../src/control/request.js';

const reasonOf = (value: unknown): unknown => {
  try {
    return parseRequest(value);
  } catch (error) {
    const { code, data } = error as { code: string; data: { reason: string } };
    expect(code).toBe('ERR_BYE_CONTROL_REQUEST');
    return data.reason;
  }
};

describe('parseRequest()', () => {
  test.each([
    [
      { bye: 1, request: 'upgrade' },
      { request: 'upgrade', force: false, wait: false },
    ],
    [
      { bye: 1, request: 'upgrade', force: true, wait: true },
      { request: 'upgrade', force: true, wait: true },
    ],
    [
      { bye: 1, request: 'status' },
      { request: 'status', watch: false },
    ],
    [
      { bye: 1, request: 'status', watch: true },
      { request: 'status', watch: true },
    ],
    [{ bye: 1, request: 'stop' }, { request: 'stop' }],
    [{ bye: 1, request: 'stop', colour: 'blue' }, { request: 'stop' }],
  ])('reads %j', (frame, request) => {
    expect(parseRequest(frame)).toEqual({ dialect: 'bye', request });
  });

  test('reads TryRestart as an upgrade, and only if it is that very message', () => {
    const request = { request: 'upgrade', force: false, wait: false };
    expect(parseRequest({ Request: 'TryRestart' })).toEqual({ dialect: 'shellflip', request });
    expect(reasonOf({ Request: 'TryRestart', more: 1 })).toBe('version');
    expect(reasonOf({ Request: 'tryRestart' })).toBe('version');
    expect(reasonOf({ Request: { TryRestart: null } })).toBe('version');
    expect(reasonOf({ Response: { RestartComplete: 1 } })).toBe('version');
  });

  test.each([
    [null, 'not-an-object'],
    ['upgrade', 'not-an-object'],
    [5, 'not-an-object'],
    [[{ bye: 1, request: 'stop' }], 'not-an-object'],
    [{}, 'version'],
    [{ request: 'stop' }, 'version'],
    [{ bye: '1', request: 'stop' }, 'version'],
    [{ bye: 2, request: 'stop' }, 'version'],
    [{ bye: 1 }, 'unknown'],
    [{ bye: 1, request: 'Stop' }, 'unknown'],
    [{ bye: 1, request: ['stop'] }, 'unknown'],
    [{ bye: 1, request: 'toString' }, 'unknown'],
    [{ bye: 1, request: 'upgrade', force: 1 }, 'field'],
    [{ bye: 1, request: 'upgrade', wait: null }, 'field'],
    [{ bye: 1, request: 'status', watch: 'true' }, 'field'],
  ])('refuses %j: %s', (frame, reason) => {
    expect(reasonOf(frame)).toBe(reason);
  });
});
