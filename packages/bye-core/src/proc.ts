/** Facts about processes, read from /proc (proc(5)); `undefined` where the kernel offers none. */

import { readFileSync } from 'node:fs';
import { dirname, sep } from 'node:path';

export interface ProcessFacts {
  readonly pid: number;
  readonly ppid: number;
  readonly state: string;
  /** Clock ticks since boot: with the PID it names one process for good, as PIDs come round again. */
  readonly startTime: string;
}

/** @returns `undefined` if there is no such process, or no /proc */
export function readProcess(pid: number): ProcessFacts | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name, in parentheses, may itself hold spaces and parentheses: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, ppid: Number(fields[1]), state: fields[0] ?? '', startTime: fields[19] ?? '' };
}

/** Whether that very process (not another one with its PID) still runs; a zombie does not. */
export function isSameProcess(pid: number, startTime: string): boolean {
  const facts = readProcess(pid);
  return facts !== undefined && facts.startTime === startTime && facts.state !== 'Z' && facts.state !== 'X';
}

/** The arguments as they were given to exec, before anything resolved them. */
export function readCommandLine(pid: number | 'self'): readonly string[] | undefined {
  try {
    const raw = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return raw.split('\0').slice(0, raw.endsWith('\0') ? -1 : undefined);
  } catch {
    return undefined;
  }
}

/** The working directory; the script's where it was removed meanwhile, as old releases are. Never throws. */
export function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return dirname(process.argv[1] ?? sep);
  }
}
