import { expect, test } from 'vitest';
import { formatDuration, formatLeft, parseDuration } from '../../src/cli/duration.js';

test.each([
  ['30', 30_000],
  ['30s', 30_000],
  ['500ms', 500],
  ['2m', 120_000],
  ['1.5h', 5_400_000],
  ['0.25', 250],
])('parseDuration() reads %s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', 's', '0', '0ms', '-1', '1d', '1 s', '1e3', '3x', 'Infinity', '99999h', '.5s'])(
  "parseDuration() refuses '%s'",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test.each([
  [-1, '0 ms'],
  [812.4, '812 ms'],
  [3249, '3.2 s'],
  [9949, '9.9 s'],
  [9950, '10 s'],
  [59_499, '59 s'],
  [60_000, '1 min'],
  [290_000, '4 min 50 s'],
  [7_500_000, '2 h 5 min'],
  [273_600_000, '3 d 4 h'],
])('formatDuration() writes %d ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [-5, '0 s'],
  [1, '1 s'],
  [1001, '2 s'],
  [61_000, '1 min 1 s'],
])('formatLeft() counts %d ms down as %s', (ms, text) => {
  expect(formatLeft(ms)).toBe(text);
});
