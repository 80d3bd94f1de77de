/** Owns what Linux tells about other processes in /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The open descriptors of a process. */
export interface OpenDescriptors {
  readonly total: number;
  /** By kind: `socket`, `pipe`, `anon_inode:[eventpoll]`, or the path itself. Comparable between processes. */
  readonly byKind: Readonly<Record<string, number>>;
  /** By target: `socket:[4026531]`, `pipe:[…]`, path. */
  readonly byTarget: Readonly<Record<string, number>>;
}

/** One line of /proc: what a process is and how it is. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  /** `R`, `S`, `D`, `Z` (zombie), … */
  readonly state: string;
  /** In clock ticks since boot: with the PID it names one process for ever. */
  readonly startTime: number;
  /** Empty for a zombie. */
  readonly commandLine: string;
}

/**
 * Counts what a process has open.
 * @throws {Error} If there is no such process, or on another system than Linux.
 */
export function openDescriptors(pid: number): OpenDescriptors {
  const byKind: Record<string, number> = {};
  const byTarget: Record<string, number> = {};
  let total = 0;
  for (const fd of list(`${pid}/fd`)) {
    const target = orUndefined(() => readlinkSync(`/proc/${pid}/fd/${fd}`));
    if (target === undefined) continue; // closed meanwhile
    const kind = /^(socket|pipe):\[/.exec(target)?.[1] ?? target;
    total++;
    byKind[kind] = (byKind[kind] ?? 0) + 1;
    byTarget[target] = (byTarget[target] ?? 0) + 1;
  }
  return { total, byKind, byTarget };
}

/** @returns the memory that the process has in use (VmRSS), in bytes; 0 if there is no such process */
export function residentBytes(pid: number): number {
  assertLinux();
  const status = orUndefined(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '';
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** @returns how many threads the process has */
export function threadCount(pid: number): number {
  return list(`${pid}/task`).length;
}

/** @returns the process, or undefined if there is none (a zombie is one) */
export function processInfo(pid: number): ProcessInfo | undefined {
  assertLinux();
  return orUndefined(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before it may hold anything
    return {
      pid,
      state: fields[0] ?? '?',
      parentPid: Number(fields[1]),
      startTime: Number(fields[19]),
      commandLine: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    };
  });
}

/** @returns every process there is */
export function allProcesses(): ProcessInfo[] {
  const pids = list('').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => processInfo(Number(pid)) ?? []);
}

/** @returns the processes whose parent it is, zombies among them */
export function childrenOf(pid: number): ProcessInfo[] {
  return allProcesses().filter(({ parentPid }) => parentPid === pid);
}

/** @returns `R`, `S`, `D`, `Z`, …, or undefined if there is no such process */
export function processState(pid: number): string | undefined {
  return processInfo(pid)?.state;
}

/** @returns when the process began, in clock ticks since boot, or undefined if there is no such process */
export function startTime(pid: number): number | undefined {
  return processInfo(pid)?.startTime;
}

/** @returns whether the process was started with this variable; false too if it may not be looked at */
export function startedWith(pid: number, name: string, value: string): boolean {
  assertLinux();
  const environment = orUndefined(() => readFileSync(`/proc/${pid}/environ`, 'latin1'));
  return environment?.split('\0').includes(`${name}=${value}`) ?? false;
}

function list(path: string): string[] {
  assertLinux();
  return readdirSync(`/proc/${path}`);
}

function assertLinux(): void {
  if (process.platform !== 'linux') throw new Error(`/proc is read on Linux only, and this is ${process.platform}`);
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
