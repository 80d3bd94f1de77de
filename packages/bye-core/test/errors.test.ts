import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { ByeError, describeError } from '../src/errors.js';

const refused = () => new ByeError('ERR_BYE_NOT_READY', 'Cannot upgrade', { status: 'starting' });

test('ByeError carries code, data, name and cause', () => {
  const cause = new Error('why');
  const error = new ByeError('ERR_BYE_PID_FILE', 'Cannot write', { path: '/run/app.pid' }, cause);
  expect(error).toMatchObject({ name: 'ByeError', code: 'ERR_BYE_PID_FILE', data: { path: '/run/app.pid' }, cause });
  expect(error.message).toBe('Cannot write');
  expect(error).toBeInstanceOf(Error);
});

test('ByeError has no cause unless it is given one', () => {
  expect('cause' in refused()).toBe(false);
});

test('ByeError is recognised across two copies of bye-core', async () => {
  vi.resetModules();
  const copy = await import('../src/errors.js');
  expect(copy.ByeError).not.toBe(ByeError);
  expect(refused()).toBeInstanceOf(copy.ByeError);
  expect(new copy.ByeError('ERR_BYE_NOT_READY', '', { status: '' })).toBeInstanceOf(ByeError);
});

test.each([
  ['an error of somebody else', new Error('no')],
  ['an error with a code of ours', Object.assign(new Error('no'), { code: 'ERR_BYE_NOT_READY' })],
  ['null', null],
  ['undefined', undefined],
  ['text', 'ERR_BYE_NOT_READY'],
  ['a function', () => {}],
])('ByeError is not %s', (_title, value) => {
  expect(value instanceof ByeError).toBe(false);
});

test('ByeError keeps its brand out of what a logger prints', () => {
  expect(Object.keys(refused()).sort()).toEqual(['code', 'data', 'name']);
  expect(Object.getOwnPropertySymbols({ ...refused() })).toEqual([]);
});

test.each([
  ['message and code', refused(), 'Cannot upgrade (ERR_BYE_NOT_READY)'],
  ['name and message where there is no code', new TypeError('no'), 'TypeError: no'],
  [
    'the name where there is no message',
    Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }),
    'AggregateError (ECONNREFUSED)',
  ],
  [
    'the chain of causes',
    new Error('a', { cause: new Error('b', { cause: refused() }) }),
    'Error: a: Error: b: Cannot upgrade (ERR_BYE_NOT_READY)',
  ],
  ['a cause that is no error', new Error('a', { cause: 'text' }), 'Error: a: text'],
  ['what is no error', 42, '42'],
  ['undefined', undefined, 'undefined'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['an object without a prototype', Object.create(null), '[object Object]'],
  ['an error of another realm', runInNewContext('new RangeError("far")'), 'RangeError: far'],
])('describeError() tells %s', (_title, error, told) => {
  expect(describeError(error)).toBe(told);
});

test('describeError() ends with causes that go round in a circle', () => {
  const one = new Error('one');
  one.cause = new Error('two', { cause: one });
  expect(describeError(one)).toMatch(/^Error: one: Error: two: Error: one(: |$)/);
  expect(describeError(one).length).toBeLessThan(500);
});
