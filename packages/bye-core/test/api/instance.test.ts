import { afterEach, expect, test, vi } from 'vitest';
import { obtainInstance } from '../../src/api/instance.js';

const slot = (major: number) => Symbol.for(`bye.process/${major}`);
afterEach(() => {
  for (const major of [1, 2]) Reflect.deleteProperty(globalThis, slot(major));
});

const create = vi.fn(() => ({ made: true }));
const configure = vi.fn();
const obtain = (options: object | undefined, path = '/a') => obtainInstance(path, options, { create, configure });
afterEach(() => {
  create.mockClear();
  configure.mockReset();
});

test('obtainInstance() makes one instance for every copy', () => {
  const first = obtain({}, '/a/bye-core');
  expect(obtain({}, '/b/bye-core')).toBe(first);
  expect(create).toHaveBeenCalledTimes(1);
  expect(configure).not.toHaveBeenCalled();
});

test('obtainInstance() shares it where the other major of a later version can see whose it is', () => {
  obtain({}, '/a/bye-core');
  expect(Reflect.get(globalThis, slot(1))).toMatchObject({ major: 1, path: '/a/bye-core' });
  expect(Object.keys(globalThis)).not.toContain(slot(1));
});

test('obtainInstance() refuses to run beside another major, and names both', () => {
  Reflect.set(globalThis, slot(2), { major: 2, path: '/b/bye-core' });
  expect(() => obtain({}, '/a/bye-core')).toThrow(
    expect.objectContaining({ code: 'ERR_BYE_DUPLICATE', data: { paths: ['/b/bye-core', '/a/bye-core'] } }),
  );
  expect(create).not.toHaveBeenCalled();
});

test('obtainInstance() gives options to an instance that register made, once', () => {
  const instance = obtain(undefined);
  expect(configure).not.toHaveBeenCalled();
  expect(obtain({ pidFile: '/a' })).toBe(instance);
  expect(obtain({ pidFile: '/a' })).toBe(instance);
  expect(obtain(undefined)).toBe(instance);
  expect(configure.mock.calls).toEqual([[instance]]);
});

test('obtainInstance() lets options be given again that were bad the first time', () => {
  obtain(undefined);
  configure.mockImplementationOnce(() => {
    throw new TypeError('bad');
  });
  expect(() => obtain({ pidFile: 5 })).toThrow('bad');
  obtain({ pidFile: '/a' });
  expect(configure).toHaveBeenCalledTimes(2);
});

test('obtainInstance() makes it at the next call if it could not be made', () => {
  create.mockImplementationOnce(() => {
    throw new TypeError('bad');
  });
  expect(() => obtain({})).toThrow('bad');
  expect(obtain({})).toEqual({ made: true });
});

const check = () => {};
test.each([
  ['nothing', { pidFile: '/a' }, {}],
  ['the same', { health: { path: '/a', checks: { check } } }, { health: { path: '/a', checks: { check } } }],
  ['a part of it', { pidFile: '/a', exit: false }, { exit: false }],
  ['undefined', { pidFile: '/a' }, { pidFile: undefined }],
  ['an equal list', { stopSignals: ['SIGTERM'] }, { stopSignals: ['SIGTERM'] }],
])('obtainInstance() takes a second call that asks for %s', (_title, first, second) => {
  const instance = obtain(first);
  expect(obtain(second)).toBe(instance);
});

test.each([
  ['another value', { pidFile: '/a' }, { pidFile: '/b' }, ['pidFile']],
  ['an option that was not given', {}, { exit: true }, ['exit']],
  ['a longer list', { stopSignals: ['SIGTERM'] }, { stopSignals: ['SIGTERM', 'SIGINT'] }, ['stopSignals']],
  ['another function', { successor: () => ({}) }, { successor: () => ({}) }, ['successor']],
  ['two of them', { pidFile: '/a', exit: true }, { pidFile: null, exit: false }, ['pidFile', 'exit']],
])('obtainInstance() refuses a second call that asks for %s', (_title, first, second, options) => {
  obtain(first);
  expect(() => obtain(second)).toThrow(
    expect.objectContaining({ code: 'ERR_BYE_OPTIONS_CONFLICT', data: { options } }),
  );
});
