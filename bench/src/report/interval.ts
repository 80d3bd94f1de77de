/** Owns how sure a mean is. */

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Quantiles (97.5 %) of Student's t, by degrees of freedom. Between two rows the upper one is used, which is wider. */
const STUDENT_T: readonly (readonly [degrees: number, t: number])[] = [
  [4, 2.776],
  [9, 2.262],
  [14, 2.145],
  [19, 2.093],
  [24, 2.064],
  [29, 2.045],
  [39, 2.023],
  [59, 2.001],
  [119, 1.98],
];

/**
 * The mean with its 95 % confidence interval, for values that do not depend on each other.
 * @throws {RangeError} For less than 5 values
 */
export function confidenceInterval(values: readonly number[]): Interval {
  const t = STUDENT_T.findLast(([degrees]) => degrees <= values.length - 1)?.[1];
  if (t === undefined) throw new RangeError(`${values.length} values say too little: at least 5 are needed`);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  const half = t * Math.sqrt(variance / values.length);
  return { mean, low: mean - half, high: mean + half };
}
