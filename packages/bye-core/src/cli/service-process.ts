/** The process of a service as others see it: by its PID, and the file that holds it. */

import { readFileSync, statSync } from 'node:fs';
import { ByeError } from '../errors.js';
import { type Host, pause } from '../host.js';
import { isSameProcess, readAgeMs, readProcess } from '../proc.js';

const POLL_MS = 100;

/** How far the clock may have been set between the start of a process and its PID file. */
const CLOCK_SLACK_MS = 5000;

/** One process, which no other is taken for when its PID comes round again (where there is a /proc). */
export class ServiceProcess {
  readonly pid: number;
  readonly #startTime: string | undefined;

  constructor(pid: number) {
    this.pid = pid;
    this.#startTime = readProcess(pid)?.startTime;
  }

  isAlive(host: Host): boolean {
    return this.#startTime === undefined ? exists(host, this.pid) : isSameProcess(this.pid, this.#startTime);
  }

  /** @throws the reason of `signal` */
  async gone(host: Host, signal: AbortSignal): Promise<void> {
    while (this.isAlive(host)) await nextLook(host, signal);
  }
}

/** @throws the reason of `signal` */
export async function nextLook(host: Host, signal: AbortSignal): Promise<void> {
  await pause(host, POLL_MS, signal);
  signal.throwIfAborted();
}

/** @returns the PID that a file holds; `undefined` if it holds none now */
export function readPid(path: string): number | undefined {
  try {
    return toPid(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @throws {ByeError} If there is no such file, no PID in it, or no such process any more (`ERR_BYE_NO_SERVICE`) */
export function findService(host: Host, path: string): ServiceProcess {
  let content: string;
  let writtenMs: number;
  try {
    content = readFileSync(path, 'utf8');
    writtenMs = statSync(path).mtimeMs;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const [reason, text] =
      code === 'EACCES' ? ['permission', 'this user may not read it'] : ['no-pid-file', 'there is no such file'];
    throw noService(path, reason, `Cannot find a service by the PID file ${path}: ${text}`, error);
  }
  const pid = toPid(content);
  if (pid === undefined) throw noService(path, 'no-pid', `Cannot find a service by ${path}: it does not hold a PID`);
  const service = new ServiceProcess(pid);
  const startedMs = host.epochNow() - (readAgeMs(pid) ?? Number.POSITIVE_INFINITY);
  // Somebody else's process that got its PID since: a signal would end it.
  const isAnother = startedMs > writtenMs + CLOCK_SLACK_MS;
  if (isAnother || !service.isAlive(host)) {
    throw noService(path, 'stale-pid-file', `Cannot find a service by ${path}: its process ${pid} has ended`);
  }
  return service;
}

function toPid(content: string): number | undefined {
  const text = content.trim();
  const pid = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  // 1 is the init of a machine, and in a container it cannot be upgraded.
  return pid > 1 ? pid : undefined;
}

export function noService(path: string, reason: string, message: string, cause?: unknown): ByeError {
  return new ByeError('ERR_BYE_NO_SERVICE', message, { path, reason }, cause);
}

function exists(host: Host, pid: number): boolean {
  try {
    return host.kill(pid, 0);
  } catch {
    // Another user's.
    return true;
  }
}
