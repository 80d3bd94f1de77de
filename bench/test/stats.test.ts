import { expect, test } from 'vitest';
import { countBy, latencyOf, percentile } from '../src/report/stats.js';

test('percentile() is the nearest rank', () => {
  const values = Array.from({ length: 1000 }, (_, index) => index + 1);
  expect([0, 50, 99, 99.9, 100].map((percent) => percentile(values, percent))).toEqual([1, 500, 990, 999, 1000]);
  expect(percentile([7], 99.9)).toBe(7);
});

test('latencyOf() sorts, rounds, and has nothing to say of nothing', () => {
  expect(latencyOf([3.04, 10.26, 1])).toEqual({ count: 3, p50Ms: 3, p999Ms: 10.3, maxMs: 10.3 });
  expect(latencyOf([])).toBeUndefined();
});

test('countBy() counts equal values', () => {
  expect(countBy(['reset', '503', 'reset'])).toEqual({ reset: 2, '503': 1 });
});
