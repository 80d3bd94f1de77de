import { expect, test } from 'vitest';
import { buildEnvironment, parseUndo } from '../../src/upgrade/environment.js';

test('buildEnvironment() adds, changes and removes, and says how to undo it', () => {
  expect(buildEnvironment({ A: '1', B: '2', C: '3' }, {}, { A: 'x', B: undefined, D: 'y' })).toEqual({
    env: { A: 'x', C: '3', D: 'y' },
    undo: { A: '1', B: '2', D: null },
  });
});

test('buildEnvironment() gives every generation the environment of the first', () => {
  const first = { A: '1', B: '2' };
  let { env, undo } = buildEnvironment(first, {}, { A: 'x', N: 'n' });
  ({ env, undo } = buildEnvironment(env, undo, { A: 'z', B: undefined }));
  expect(env).toEqual({ A: 'z' });
  expect(undo).toEqual({ A: '1', B: '2' });
  ({ env, undo } = buildEnvironment(env, undo, {}));
  expect(env).toEqual(first);
  expect(undo).toEqual({});
});

test('buildEnvironment() leaves out what describes another parent, or is for one run only', () => {
  const initial = { NODE_UNIQUE_ID: '1', WATCH_REPORT_DEPENDENCIES: '1', NODE_OPTIONS: '--inspect', A: '1' };
  expect(buildEnvironment(initial, {}, {}).env).toEqual({ A: '1' });
  expect(buildEnvironment(initial, {}, { NODE_OPTIONS: '--inspect' }).env).toEqual({
    NODE_OPTIONS: '--inspect',
    A: '1',
  });
});

test('buildEnvironment() treats the names of Object as any other', () => {
  expect(buildEnvironment({ constructor: 'a' }, JSON.parse('{"__proto__":null}'), { toString: 'b' }).env).toEqual({
    constructor: 'a',
    toString: 'b',
  });
});

test('parseUndo() reads what an old process writes', () => {
  expect(parseUndo(undefined)).toEqual({});
  expect(parseUndo('')).toEqual({});
  expect(parseUndo('{"A":"1","B":null}')).toEqual({ A: '1', B: null });
});

test.each(['{', '1', 'null', '[]', '{"A":1}'])('parseUndo() refuses %s', (text) => {
  expect(() => parseUndo(text)).toThrow(
    expect.objectContaining({ code: 'ERR_BYE_ENVIRONMENT', data: { variable: 'BYE_FIRST_ENVIRONMENT', value: text } }),
  );
});
