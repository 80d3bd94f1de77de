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

/** In which the kernel counts for user space (USER_HZ, time(7)); the same on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;

/** @returns how long a process has run, in milliseconds; `undefined` if there is no such process, or no /proc */
export function readAgeMs(pid: number): number | undefined {
  const startTime = readProcess(pid)?.startTime;
  if (startTime === undefined) return undefined;
  try {
    const [sinceBoot] = readFileSync('/proc/uptime', 'latin1').split(' ');
    return Math.max(0, Math.round((Number(sinceBoot) - Number(startTime) / TICKS_PER_SECOND) * 1000));
  } catch {
    return undefined;
  }
}
