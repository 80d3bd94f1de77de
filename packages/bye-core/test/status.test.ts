import { expect, test } from 'vitest';
import { isLegalStep, type Status } from '../src/status.js';

const ALL: readonly Status[] = ['starting', 'ready', 'draining', 'stopped'];
const LEGAL = ['starting>ready', 'starting>draining', 'ready>draining', 'draining>stopped'];

test.each(ALL.flatMap((from) => ALL.map((to) => [from, to] as const)))('isLegalStep() from %s to %s', (from, to) => {
  expect(isLegalStep(from, to)).toBe(LEGAL.includes(`${from}>${to}`));
});
