import { expect, test } from 'vitest';
import { resolveHealth } from '../../src/options/health.js';

const STANDARD = {
  path: '/health',
  readinessPath: '/readyz',
  livenessPath: '/livez',
  checks: {},
  checkTimeoutMs: 2000,
  details: 'loopback',
};

test.each([true, 'true', {}, '/'])('resolveHealth() of %j is the standard', (value) => {
  expect(resolveHealth(value)).toEqual(STANDARD);
});

test.each([false, 'false'])('resolveHealth() of %j is off', (value) => {
  expect(resolveHealth(value)).toBeUndefined();
});

test.each(['/up', '/up/', '/up//'])('resolveHealth() puts the prefix %s before all three paths', (prefix) => {
  const paths = { path: '/up/health', readinessPath: '/up/readyz', livenessPath: '/up/livez' };
  expect(resolveHealth(prefix)).toEqual({ ...STANDARD, ...paths });
});

test('resolveHealth() takes each option, and leaves the others', () => {
  const db = async () => {};
  expect(resolveHealth({ path: '/a', checks: { db }, details: false })).toEqual({
    ...STANDARD,
    path: '/a',
    checks: { db },
    details: false,
  });
  expect(resolveHealth({ readinessPath: '/b', livenessPath: '/c', checkTimeoutMs: 1, details: true })).toEqual({
    ...STANDARD,
    readinessPath: '/b',
    livenessPath: '/c',
    checkTimeoutMs: 1,
    details: true,
  });
});

test.each(Object.keys(STANDARD))('resolveHealth() takes an undefined %s for the default', (name) => {
  expect(resolveHealth({ [name]: undefined })).toEqual(STANDARD);
});

test.each([
  [RangeError, 'up', "Option 'health' must be a path that begins with '/': got \"up\""],
  [RangeError, '', "Option 'health' must"],
  [RangeError, '/up?a', "Option 'health' must"],
  [TypeError, 5, "Option 'health' must be true, false, a path prefix or an object: got number"],
  [TypeError, null, "Option 'health' must"],
  [TypeError, { url: '/a' }, "Unknown option 'health.url'"],
  [RangeError, { path: 'a' }, "Option 'health.path' must"],
  [RangeError, { readinessPath: '/a#b' }, "Option 'health.readinessPath' must"],
  [RangeError, { livenessPath: 5 }, "Option 'health.livenessPath' must"],
  [TypeError, { checks: null }, "Option 'health.checks' must"],
  [TypeError, { checks: { db: true } }, "Option 'health.checks.db' must be a function"],
  [TypeError, { checkTimeoutMs: '5' }, "Option 'health.checkTimeoutMs' must be a number"],
  [RangeError, { checkTimeoutMs: 0 }, "Option 'health.checkTimeoutMs' must be a positive number: got 0"],
  [RangeError, { checkTimeoutMs: Number.NaN }, "Option 'health.checkTimeoutMs' must"],
  [TypeError, { details: 'all' }, "Option 'health.details' must"],
])('resolveHealth() throws a %o for %j', (kind, value, message) => {
  expect(() => resolveHealth(value)).toThrow(kind);
  expect(() => resolveHealth(value)).toThrow(message);
});
