/** A `listen()` whose outcome is still open. */

import type { ListenOptions, Server } from 'node:net';
import type { Host } from '../host.js';
import { setPipeName } from '../internals.js';
import { toListenError } from './listen-error.js';
import { type BindPlan, publish } from './unix-bind.js';
import { type OwnPath, removeStale } from './unix-path.js';

export type Options = ListenOptions & { fd?: number };

export interface Listener {
  readonly key: string;
  readonly ordinalKey: string;
  readonly names: readonly string[];
  /** A unix path that has to go when the listener does, with the identity of its socket. */
  readonly path: OwnPath | undefined;
}

export interface Attempt {
  readonly listener: Listener;
  readonly plan: BindPlan | undefined;
  readonly original: Options;
  /** What opens a private listener, given the name it is bound under. */
  readonly open: ((bindPath: string) => void) | undefined;
  /** Somebody else took the path between the look at it and the link. */
  failure?: Error;
}

/** Gives a bound unix socket its path. */
export function publishAttempt(server: Server, attempt: Attempt, host: Host): void {
  const { plan, original, open } = attempt;
  if (!plan) return;
  try {
    publish(plan, {
      clear: (path) => removeStale(path, host),
      readableAll: original.readableAll === true,
      writableAll: original.writableAll === true,
      before: open,
    });
    setPipeName(server, plan.path);
  } catch (cause) {
    attempt.failure = toListenError(cause as NodeJS.ErrnoException, plan.path);
  }
}
