import { expect, test } from 'vitest';
import { confidenceInterval } from '../src/report/interval.js';

test('a mean with its 95 % confidence interval', () => {
  // By hand: mean 5, standard deviation sqrt(10 / 4), times 2.776 / sqrt(5).
  const { mean, low, high } = confidenceInterval([3, 4, 5, 6, 7]);
  expect(mean).toBe(5);
  expect(low).toBeCloseTo(3.037, 3);
  expect(high).toBeCloseTo(6.963, 3);
});

test('more values make it narrower', () => {
  const few = confidenceInterval([1, 2, 1, 2, 1, 2]);
  const many = confidenceInterval(Array.from({ length: 40 }, (_, index) => 1 + (index % 2)));
  expect(many.high - many.low).toBeLessThan(few.high - few.low);
});

test('less than five values say nothing', () => {
  expect(() => confidenceInterval([1, 2, 3, 4])).toThrow(RangeError);
});
