/** What a service does now, in one line. */

import type { StatusReport } from '../types.js';
import { describeWork } from '../wording.js';
import { formatDuration, formatLeft } from './duration.js';

const PHASES: Readonly<Record<string, string>> = {
  delay: 'serves on, so that balancers leave',
  requests: 'answers what it has',
  tasks: 'waits for tasks',
  hooks: 'runs its close hooks',
};

/**
 * What changes most stands first: the end is cut off where a terminal is narrow.
 *
 * @param nowMs epoch milliseconds
 */
export function describeProgress(status: StatusReport, nowMs: number): string {
  const { pid, upgrade, predecessor } = status;
  if (status.status === 'draining') return describeDrain(status, nowMs);
  if (upgrade) {
    const what = upgrade.pid === undefined ? 'prepares' : `waits for process ${upgrade.pid} to be ready`;
    return `upgrade to generation ${upgrade.generation}${left(upgrade.untilMs, nowMs)}: ${what}`;
  }
  if (predecessor) {
    const { pid: oldPid, waitingFor, untilMs } = predecessor;
    return `old process ${oldPid} drains${left(untilMs, nowMs)}: ${waitingFor}`;
  }
  return `process ${pid}: ${status.status}, ${describeWork(status)}`;
}

/** Changes when there is something new to say; numbers alone are not. */
export function stageOf({ pid, status, phase, upgrade, predecessor }: StatusReport): string {
  return [pid, status, phase, upgrade?.generation, upgrade?.pid, predecessor?.pid].join();
}

/** Nothing goes on besides the service itself. */
export function isIdle({ status, upgrade, predecessor }: StatusReport): boolean {
  return status !== 'draining' && upgrade === undefined && predecessor === undefined;
}

/** `until 14:03:12 (in 4 min)`; with the day if it is another one. */
export function describeUntil(untilMs: number, nowMs: number): string {
  const until = new Date(untilMs);
  const time = [until.getHours(), until.getMinutes(), until.getSeconds()].map((part) => `${part}`.padStart(2, '0'));
  const isToday = until.toDateString() === new Date(nowMs).toDateString();
  return `until ${isToday ? '' : `${until.toDateString()} `}${time.join(':')} (in ${formatLeft(untilMs - nowMs)})`;
}

export function describeAgo(ms: number): string {
  return `${formatDuration(ms)} ago`;
}

function describeDrain(status: StatusReport, nowMs: number): string {
  const { pid, phase, reason, untilMs } = status;
  const who = reason === 'upgrade' ? `old process ${pid} drains` : `process ${pid} stops`;
  const what = phase === undefined ? '' : `${PHASES[phase] ?? phase}, `;
  return `${who}${untilMs === undefined ? '' : left(untilMs, nowMs)}: ${what}${describeWork(status)}`;
}

/** Nothing is left of a time that is over, but it is not over until it is said to be. */
function left(untilMs: number, nowMs: number): string {
  return `, ${formatLeft(untilMs - nowMs)} left`;
}
