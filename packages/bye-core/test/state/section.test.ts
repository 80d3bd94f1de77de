import { expect, test } from 'vitest';
import { resolveSection } from '../../src/options/state.js';

const load = () => {};

test('resolveSection() reads its own version by default', () => {
  const { name, version, reads } = resolveSection('app', { load });
  expect([name, version, reads(1), reads(2), reads('1')]).toEqual(['app', 1, true, false, false]);
  const named = resolveSection('app', { load, version: 'b' });
  expect([named.version, named.reads('b'), named.reads(1)]).toEqual(['b', true, false]);
});

test('resolveSection() reads what it is told', () => {
  const listed = resolveSection('app', { load, version: 3, reads: [1, 'x'] });
  expect([listed.reads(1), listed.reads('x'), listed.reads(3)]).toEqual([true, true, false]);
  expect(resolveSection('app', { load, reads: 'any' }).reads('whatever')).toBe(true);
});

test.each<[given: unknown, says: string]>([
  [undefined, "State 'app' must be an object with save and load: got undefined"],
  [null, "State 'app' must be an object with save and load"],
  [load, "State 'app' must be an object with save and load: got function"],
  [{}, "State 'app' must have one of save, load, finish, merge, rollback"],
  [{ load: 'x' }, "State 'app' must have a function as 'load': got string"],
  [{ load, store: load }, "State 'app' has an unknown field 'store'"],
  [{ load, version: Number.NaN }, "State 'app' must have a number or a string as 'version'"],
  [{ load, version: {} }, "State 'app' must have a number or a string as 'version'"],
  [{ load, reads: 2 }, "State 'app' must have a list of numbers and strings as 'reads', or 'any'"],
  [{ load, reads: [null] }, "State 'app' must have a list of numbers and strings as 'reads', or 'any'"],
])('resolveSection() refuses %j', (given, says) => {
  expect(() => resolveSection('app', given)).toThrow(says);
  expect(() => resolveSection('app', given)).toThrow(TypeError);
  expect(() => resolveSection('app', given, "Option 'state'")).toThrow("Option 'state'");
});

test('resolveSection() refuses a name that is none', () => {
  expect(() => resolveSection(5, { load })).toThrow(TypeError);
  expect(() => resolveSection('', { load })).toThrow(RangeError);
  expect(() => resolveSection('x'.repeat(201), { load })).toThrow(RangeError);
});
