/** Commands by control socket: the service says how it ended. */

import type { ControlRequest } from '../channel/control-messages.js';
import { ByeError } from '../errors.js';
import type { StatusReport } from '../types.js';
import type { Command } from './arguments.js';
import { askService } from './client.js';
import type { Context } from './context.js';
import type { Progress } from './reporter.js';
import type { CommandResult } from './result.js';
import { ServiceProcess } from './service-process.js';

/** @throws {ByeError} If there is no answer; what the service refuses or fails at is a result */
export function runBySocket(command: Command, path: string, context: Context): Promise<CommandResult> {
  if (command.watch) return watch(path, context);
  return runToTheEnd(command, path, context);
}

async function runToTheEnd(command: Command, path: string, context: Context): Promise<CommandResult> {
  const { host, reporter, patience, signal } = context;
  let answering: ServiceProcess | undefined;
  const onAnswer = (progress: Progress) => {
    answering ??= new ServiceProcess('status' in progress ? progress.status.pid : progress.pid);
    patience.heard(untilMsOf(progress));
    reporter.progress(progress);
  };
  const result = await askService({ path, request: toRequest(command), signal, onAnswer });
  if (!result.ok || result.request === 'status') return result;
  patience.heard();
  // It has answered its last request; its hooks, its logger and its exit are to come.
  if (answering && (result.request === 'stop' || command.wait)) await answering.gone(host, signal);
  return result.request === 'stop' && answering ? { ...result, pid: answering.pid } : result;
}

/** Goes on with the process that serves next, until there is none. */
async function watch(path: string, { reporter, patience, signal }: Context): Promise<CommandResult> {
  let last: StatusReport | undefined;
  const onAnswer = (progress: Progress) => {
    patience.relax();
    if ('status' in progress) last = progress.status;
    reporter.progress(progress);
  };
  for (;;) {
    const before = last;
    try {
      const result = await askService({ path, request: { request: 'status', watch: true }, signal, onAnswer });
      // The process that answered has ended, or it knows no watching.
      if (!result.ok || last === before) return result;
    } catch (error) {
      const code = error instanceof ByeError ? error.code : undefined;
      if (code === 'ERR_BYE_CONTROL_TIMEOUT' && last) return { ok: true, request: 'status', status: last };
      if (code !== 'ERR_BYE_CONTROL_LOST' || last === before) throw error;
    }
  }
}

function toRequest({ request, force, wait }: Command): ControlRequest {
  if (request === 'upgrade') return { request, force, wait };
  return request === 'status' ? { request, watch: false } : { request };
}

/** The service's own limit for what it does now. */
function untilMsOf(progress: Progress): number {
  if (!('status' in progress)) return 0;
  const { upgrade, predecessor, untilMs } = progress.status;
  return Math.max(upgrade?.untilMs ?? 0, predecessor?.untilMs ?? 0, untilMs ?? 0);
}
