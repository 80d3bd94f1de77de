/** Owns the rows of the measurement of moves, and how they read. */
import { type Machine, machineLine } from '../report/machine.js';
import { markdownTable } from '../report/markdown.js';
import { median, round } from '../report/stats.js';
import { type Move, PROBES } from './measure.js';

export interface MoveRow {
  readonly connections: number;
  readonly window: number;
  readonly moves: readonly Move[];
  /** Over all runs. */
  readonly lost: number;
  /** Medians of the runs. */
  readonly totalMs: number;
  readonly batchMs: number;
  /** The worst of all runs. */
  readonly longestMs: number;
  readonly clientCalmMs: number;
  readonly clientDuringMs: number;
}

export interface MoveResults {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** The window that bye has. */
  readonly window: number;
  readonly bySize: readonly MoveRow[];
  readonly byWindow: readonly MoveRow[];
}

export function summarize(connections: number, window: number, moves: readonly Move[]): MoveRow {
  const worst = (of: (move: Move) => number | undefined): number => Math.max(...moves.map((move) => of(move) ?? 0));
  return {
    connections,
    window,
    moves,
    lost: moves.reduce((sum, { lost }) => sum + lost, 0),
    totalMs: median(moves.map(({ totalMs }) => totalMs)),
    batchMs: round(median(moves.map(({ totalMs, movedIdle }) => (totalMs * window) / Math.max(movedIdle, 1)))),
    longestMs: worst(({ longestMs }) => longestMs),
    clientCalmMs: worst(({ calm }) => calm?.maxMs),
    clientDuringMs: worst(({ during }) => during?.maxMs),
  };
}

/** Busy ones follow when they are answered; but idle ones that are left had no time within the 10 s that bye takes for them. */
function wentAll({ connections, moves }: MoveRow): boolean {
  return moves.every(({ movedIdle }) => movedIdle >= connections - PROBES);
}

export function shortLine({ totalMs, longestMs, clientCalmMs, clientDuringMs, lost }: MoveRow): string {
  return `all moved in ${totalMs} ms, the longest on its way for ${longestMs} ms; slowest request ${clientCalmMs} -> ${clientDuringMs} ms; ${lost} lost`;
}

export function moveTables({ date, command, machine, window, bySize, byWindow }: MoveResults): string {
  const head = ['all moved in', 'one batch', 'longest on its way', 'slowest request before', 'and during', 'lost'];
  const name = (value: number): string => value.toLocaleString('en-US');
  const cells = (row: MoveRow): string[] => [
    `${wentAll(row) ? '' : 'over '}${name(row.totalMs)} ms`,
    `${row.batchMs} ms`,
    `${row.longestMs} ms`,
    `${row.clientCalmMs} ms`,
    `${row.clientDuringMs} ms`,
    `${row.lost} of ${name(row.connections * row.moves.length)}`,
  ];
  return [
    `\`${command}\`, ${date.slice(0, 10)}, ${bySize[0]?.moves.length ?? 0} upgrades per row; ${machineLine(machine)}.`,
    '',
    markdownTable(
      [`connections (${window} on their way)`, ...head],
      bySize.map((row) => [name(row.connections), ...cells(row)]),
    ),
    '',
    markdownTable(
      [`on their way at once (${name(byWindow[0]?.connections ?? 0)} connections)`, ...head],
      byWindow.map((row) => [name(row.window), ...cells(row)]),
    ),
  ].join('\n');
}
