/** Owns how the results read: the tables of the page, and the bars of the plot. */
import type { Panel } from '../report/bars.js';
import { machineLine } from '../report/machine.js';
import { markdownTable } from '../report/markdown.js';
import type { Part, Results } from './results.js';
import type { StopRow } from './stops.js';
import type { UpgradeRow } from './upgrades.js';

const thousands = (value: number): string => value.toLocaleString('en-US');

export function upgradeTable(part: Part<UpgradeRow>): string {
  const head = [
    'replaced',
    'requests',
    'failed',
    'per million',
    'per switch',
    'connections survived, of 64',
    'took',
    'old one gone after',
    'p99.9 calm -> around',
    'longest calm -> around',
    'failures',
  ];
  const rows = part.rows.map((row) => [
    row.name,
    thousands(row.sent),
    thousands(row.failed),
    thousands(row.failedPerMillion),
    thousands(row.failedPerSwitch),
    String(row.connectionsSurvived),
    `${thousands(row.durationMs.median)} ms`,
    `${thousands(row.drainMs.median)} ms`,
    change(row, 'p999Ms'),
    change(row, 'maxMs'),
    kinds(row.failures),
  ]);
  return withSource(part, markdownTable(head, rows));
}

export function stopTable(part: Part<StopRow>): string {
  const head = [
    'stopped',
    'requests',
    'failed',
    'per million',
    'per stop',
    'of them on a new connection',
    'took',
    'longest',
    'killed',
    'failures',
  ];
  const rows = part.rows.map((row) => [
    row.name,
    thousands(row.sent),
    thousands(row.failed),
    thousands(row.failedPerMillion),
    String(row.failedPerStop),
    thousands(row.failedOnNew),
    `${thousands(row.durationMs.median)} ms`,
    `${thousands(row.durationMs.max)} ms`,
    `${row.killed} of ${row.stops}`,
    kinds(row.failures),
  ]);
  return withSource(part, markdownTable(head, rows));
}

/** @returns one line for the console */
export function shortLine(row: UpgradeRow | StopRow): string {
  const each = 'stops' in row ? `${row.failedPerStop} per stop` : `${row.failedPerSwitch} per switch`;
  const more =
    'stops' in row
      ? `${row.failedOnNew} on new connections, ${row.killed} killed`
      : `${row.connectionsSurvived} connections survived, p99.9 ${change(row, 'p999Ms')}`;
  return `${row.failed} of ${row.sent} failed, ${each}; ${row.durationMs.median} ms; ${more}; ${kinds(row.failures)}`;
}

export function panels({ upgrades, stops }: Results): Panel[] {
  const panel = (title: string, rows: readonly (UpgradeRow | StopRow)[]): Panel => ({
    title,
    bars: rows.map(({ name, failedPerMillion, isOurs }) => ({ label: name, value: failedPerMillion, isOurs })),
  });
  return [
    ...(upgrades ? [panel('Failed requests per million while the version is replaced', upgrades.rows)] : []),
    ...(stops ? [panel('Failed requests per million in the second before a stop and until its end', stops.rows)] : []),
  ];
}

function withSource<Row extends { readonly name: string; readonly setup: string }>(
  { date, command, machine, rows, missing }: Part<Row>,
  table: string,
): string {
  return [
    `\`${command}\`, ${date.slice(0, 10)}; ${machineLine(machine)}.`,
    '',
    table,
    '',
    ...rows.map(({ name, setup }) => `- ${name}: ${setup}`),
    ...missing.map(({ name, why }) => `- ${name}: not measured, ${why}`),
  ].join('\n');
}

function change({ latency: { calm, around } }: UpgradeRow, which: 'p999Ms' | 'maxMs'): string {
  return `${calm?.[which] ?? '-'} -> ${around?.[which] ?? '-'} ms`;
}

function kinds(failures: Readonly<Record<string, number>>): string {
  const parts = Object.entries(failures).map(([kind, count]) => `${kind} ${thousands(count)}`);
  return parts.length === 0 ? '-' : parts.join(', ');
}
