/** Why an upgrade may not start now. */

import { ByeError } from '../errors.js';
import type { LifecycleView } from '../types.js';
import type { Predecessor } from './predecessor.js';
import { findDanger, type PreflightInput } from './preflight.js';

/** One at a time, from a process in full service, whose own predecessor has gone. */
export function findRefusal(
  { lifecycle, predecessor }: { readonly lifecycle: LifecycleView; readonly predecessor: Predecessor },
  running: { readonly attempt: { readonly pid: number | undefined } | undefined } | undefined,
): ByeError | undefined {
  if (running) {
    const pid = running.attempt?.pid;
    return new ByeError(
      'ERR_BYE_UPGRADE_IN_PROGRESS',
      `Cannot upgrade as another upgrade runs${pid === undefined ? '' : `, with the new process ${pid}`}: wait for it`,
      { pid },
    );
  }
  const { status, reason } = lifecycle;
  if (status === 'starting') {
    return new ByeError('ERR_BYE_NOT_READY', 'Cannot upgrade as this process is not ready yet: wait for it', {
      status,
    });
  }
  if (status !== 'ready') {
    const why = reason === 'upgrade' ? 'has been replaced already' : 'is stopping';
    return new ByeError('ERR_BYE_SHUTTING_DOWN', `Cannot upgrade as this process ${why}`, { reason: reason ?? 'stop' });
  }
  const { draining } = predecessor;
  if (!draining) return undefined;
  return new ByeError(
    'ERR_BYE_PREDECESSOR_DRAINING',
    `Cannot upgrade as the old process ${draining.pid} still drains, until ${new Date(draining.untilMs).toISOString()} at the latest: it waits for ${draining.waitingFor}. Wait for it, or call upgrade({ force: true })`,
    { pid: draining.pid, untilMs: draining.untilMs },
  );
}

/** Refuses where our exit after the upgrade would end or lose the service. */
export function refuseDanger(input: PreflightInput): ByeError | undefined {
  const danger = findDanger(input);
  if (!danger) return undefined;
  const { reason, message, remedy } = danger;
  return new ByeError('ERR_BYE_UPGRADE_UNSAFE', `${message}. ${remedy}`, { reason, remedy });
}
