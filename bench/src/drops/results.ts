/** Owns the file of results: two parts, each measured in one run. */
import type { Machine } from '../report/machine.js';
import { readResult, writeResult } from '../report/places.js';
import type { StopRow } from './stops.js';
import type { UpgradeRow } from './upgrades.js';

export interface Part<Row> {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
  /** What could not be measured, and why. */
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

export interface Results {
  readonly upgrades?: Part<UpgradeRow>;
  readonly stops?: Part<StopRow>;
}

/** Puts in what was measured now, beside what was measured before. */
export function mergeResults(fresh: Results): Results {
  const merged = { ...(readResult('drops.json') as Results | undefined), ...fresh };
  writeResult('drops.json', `${JSON.stringify(merged, undefined, 2)}\n`);
  return merged;
}
