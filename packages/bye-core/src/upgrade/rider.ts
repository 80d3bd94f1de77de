/** What rides along with an upgrade: a capability that has a pipe of its own to the new process. */

import type { Duplex } from 'node:stream';
import type { ByeError } from '../errors.js';

/** One for each attempt. The pipe is a socket pair: both ends read and write. */
export interface Rider {
  /** The field of `BYE_PREDECESSOR` that names the descriptor of the pipe in the new process. */
  readonly fact: string;
  /** The new process runs. From now on the rider reads the pipe, and hears its errors. */
  board(pipe: Duplex, attempt: RiddenAttempt): void;
  /** The attempt has failed. The pipe is closed when the new process has ended. */
  fail(error: unknown): void;
  /** Resolves when everything that the new process has written was read: its last words may be among it. */
  readonly heardAll: Promise<void>;
}

export interface RiddenAttempt {
  readonly pid: number;
  /** Fails the upgrade with this error, unless it has ended already. */
  fail(error: ByeError): void;
}
