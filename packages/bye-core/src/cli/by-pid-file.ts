/** Commands by PID file: signals, and what can be seen of the processes from outside. */

import { ByeError } from '../errors.js';
import type { Host } from '../host.js';
import { readAgeMs } from '../proc.js';
import type { Command } from './arguments.js';
import type { Context } from './context.js';
import type { CommandResult } from './result.js';
import { findService, nextLook, noService, readPid, ServiceProcess } from './service-process.js';

/** Beyond the default of upgradeDrainTimeoutMs, its close hooks, and the 5 s until it is killed. */
const LONGEST_DRAIN_MS = 320_000;

/** @throws {ByeError} If there is no such process, or it is not known how it ended */
export async function runByPidFile(command: Command, path: string, context: Context): Promise<CommandResult> {
  const { host, signal } = context;
  const service = findService(host, path);
  const { pid } = service;
  if (command.request === 'status') {
    const uptimeMs = readAgeMs(pid);
    return {
      ok: true,
      request: 'status',
      status: { status: 'ready', pid, ...(uptimeMs === undefined ? {} : { uptimeMs }) },
    };
  }
  if (command.request === 'upgrade') return upgrade(command, path, service, context);
  send(host, pid, 'SIGTERM', path);
  context.reporter.note(`SIGTERM sent to process ${pid}: waiting until it has ended`);
  await service.gone(host, signal);
  return { ok: true, request: 'stop', pid };
}

async function upgrade(
  command: Command,
  path: string,
  old: ServiceProcess,
  { host, reporter, patience, signal }: Context,
): Promise<CommandResult> {
  const startedAt = host.now();
  send(host, old.pid, command.signal, path);
  reporter.note(`${command.signal} sent to process ${old.pid}: waiting until ${path} names another`);
  const { pid } = await successor(path, old, host, signal);
  const durationMs = Math.round(host.now() - startedAt);
  if (command.wait) {
    reporter.note(`process ${pid} serves: waiting until process ${old.pid} has ended`);
    patience.heard(host.epochNow() + LONGEST_DRAIN_MS);
    await old.gone(host, signal);
  }
  return { ok: true, request: 'upgrade', pid, durationMs };
}

/** The file is written a moment before the new process is ready, and put back if that fails: it has to stay so. */
async function successor(path: string, old: ServiceProcess, host: Host, signal: AbortSignal): Promise<ServiceProcess> {
  let seen: ServiceProcess | undefined;
  for (;;) {
    await nextLook(host, signal);
    const hasEnded = !old.isAlive(host);
    const pid = readPid(path);
    const found = pid === undefined || pid === old.pid ? undefined : new ServiceProcess(pid);
    if (found?.isAlive(host)) {
      if (seen?.pid === pid) return found;
    } else if (hasEnded) {
      const message = `Cannot upgrade as process ${old.pid} ended, and ${path} names no other that lives`;
      throw new ByeError('ERR_BYE_SERVICE_ENDED', message, { pid: old.pid });
    }
    seen = found;
  }
}

function send(host: Host, pid: number, signal: NodeJS.Signals, path: string): void {
  let isSent: boolean;
  try {
    isSent = host.kill(pid, signal);
  } catch (error) {
    const message = `Cannot send ${signal} to process ${pid}: it belongs to another user`;
    throw noService(path, 'permission', message, error);
  }
  if (!isSent) throw noService(path, 'stale-pid-file', `Cannot send ${signal} to process ${pid}: it has ended`);
}
