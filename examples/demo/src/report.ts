/** Owns the table at the end. */
import type { TrafficCounts } from '@bye/testkit';
import type { Paint } from './screen.js';

/** What one SIGUSR1 led to. */
export interface UpgradeResult {
  /** Of the new process; undefined if there was none to take over. */
  readonly pid?: number;
  readonly durationMs: number;
}

/** What the demo found out. */
export interface Result {
  readonly counts: TrafficCounts;
  readonly firstPid: number;
  readonly startMs: number;
  readonly upgrades: readonly UpgradeResult[];
  /** What was not as promised, besides failed requests. */
  readonly complaints: readonly string[];
}

/** @returns whether everything was as promised */
export function isGood({ counts, complaints }: Result): boolean {
  return counts.failed === 0 && complaints.length === 0;
}

/** @returns the report, in lines */
export function createReport(result: Result, paint: Paint): string {
  const { counts, complaints } = result;
  const lines = [
    '',
    ...alignColumns([['process', 'generation', 'answered', 'ready after', ''], ...processRows(result)]).map(
      (row, index) => (index === 0 ? paint.bold(row) : row),
    ),
    '',
    ...alignColumns([
      ['requests', String(counts.sent)],
      ['failed', String(counts.failed)],
      ['connections closed while idle', String(counts.idleCloses)],
      ['slowest answer', `${counts.slowestMs} ms`],
    ]),
    ...counts.failures.map(describeFailure).map(paint.bad),
    ...complaints.map((complaint) => paint.bad(`not as promised: ${complaint}`)),
    '',
    isGood(result) ? paint.good('No request failed.') : paint.bad('This is not what bye promises.'),
  ];
  return lines.join('\n');
}

function processRows({ counts, firstPid, startMs, upgrades }: Result): string[][] {
  let generation = 0;
  const row = (pid: number, ms: number, how: string): string[] => {
    const answered = String(counts.byPid.get(pid) ?? 0);
    return [String(pid), String(generation), answered, `${Math.round(ms)} ms`, how];
  };
  const rows = [row(firstPid, startMs, 'first start')];
  for (const { pid, durationMs } of upgrades) {
    generation += pid === undefined ? 0 : 1;
    if (pid !== undefined) rows.push(row(pid, durationMs, 'SIGUSR1'));
    else
      rows.push(['-', '-', '0', '-', `SIGUSR1: failed after ${Math.round(durationMs)} ms, the old process served on`]);
  }
  return rows;
}

function describeFailure(failure: TrafficCounts['failures'][number]): string {
  const { message, atMs, bytesGot, connectionAgeMs, requestIndex } = failure;
  const age = Math.round(connectionAgeMs);
  return `at ${atMs} ms: ${message} (${bytesGot} bytes got, request ${requestIndex} of a connection ${age} ms old)`;
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const isNumeric = widths.map((_, column) => rows.some((row) => /^\d+( ms)?$/.test(row[column] ?? '')));
  const align = (cell: string, column: number): string =>
    isNumeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => row.map(align).join('  ').trimEnd());
}
