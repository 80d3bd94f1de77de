/** Owns the small statistics of the measurements. */

/** Times of many requests, in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** @returns undefined if there was nothing to measure */
export function latencyOf(durationsMs: readonly number[]): Latency | undefined {
  if (durationsMs.length === 0) return undefined;
  const sorted = [...durationsMs].sort((a, b) => a - b);
  return {
    count: sorted.length,
    p50Ms: round(percentile(sorted, 50)),
    p999Ms: round(percentile(sorted, 99.9)),
    maxMs: round(percentile(sorted, 100)),
  };
}

/**
 * The value that this share of all values does not exceed (nearest rank).
 *
 * @param sorted - ascending, not empty
 */
export function percentile(sorted: readonly number[], percent: number): number {
  const rank = Math.ceil((percent * sorted.length) / 100 - 1e-9); // 99.9 is a little more than that in binary
  return sorted[Math.max(rank, 1) - 1] as number;
}

export function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    50,
  );
}

/** Times of several runs, in whole milliseconds. */
export interface Spread {
  readonly median: number;
  readonly max: number;
}

/** @param values - not empty */
export function spreadOf(values: readonly number[]): Spread {
  return { median: Math.round(median(values)), max: Math.round(Math.max(...values)) };
}

/** Counts equal values. */
export function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** To a tenth. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
