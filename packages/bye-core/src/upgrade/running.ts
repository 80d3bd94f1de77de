/** The upgrade that runs now. */

import type { Deadline } from '../deadline.js';
import type { ByeError } from '../errors.js';
import type { Host } from '../host.js';
import type { StatusReport } from '../types.js';
import type { Attempt } from './attempt.js';

export interface Running {
  readonly generation: number;
  /** Epoch milliseconds. */
  readonly sinceMs: number;
  attempt: Attempt | undefined;
  abortedBy: ByeError | undefined;
  readonly deadline: Deadline;
  /** Of the hooks that take back what was released, once it has failed. */
  failing: Deadline | undefined;
  /** Resolves when nothing of it is left to do, however it ended. */
  over: Promise<unknown>;
}

export function beginRun(generation: number, deadline: Deadline, host: Host): Running {
  const sinceMs = host.epochNow();
  const outcome = { attempt: undefined, abortedBy: undefined, failing: undefined, over: Promise.resolve() };
  return { generation, sinceMs, deadline, ...outcome };
}

/** For reports. */
export function describeRun(running: Running, host: Host): NonNullable<StatusReport['upgrade']> {
  const { generation, sinceMs, attempt, deadline } = running;
  const untilMs = Math.round(host.epochNow() + deadline.remainingMs);
  return { generation, ...(attempt?.pid === undefined ? {} : { pid: attempt.pid }), sinceMs, untilMs };
}
