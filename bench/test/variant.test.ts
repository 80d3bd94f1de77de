import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { builtWindow } from '../src/move/variant.js';

test('builtWindow() finds the constant of drain/move/mover.ts in what is built', () => {
  const source = new URL('../../packages/bye-core/src/drain/move/mover.ts', import.meta.url);
  const [, value] = /^const WINDOW = (\d+);$/m.exec(readFileSync(source, 'utf8')) ?? [];
  expect(builtWindow()).toBe(Number(value));
});
