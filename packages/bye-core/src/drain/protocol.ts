/** What the drain asks of a protocol. To add one: implement this, and name it in `create-drain.ts`. */

import type { Answer } from './connection.js';

export interface ProtocolDrain {
  /** Work in progress that can be named. */
  readonly answers: readonly Answer[];
  readonly inFlight: number;
  readonly connectionCount: number;
  /** How much was finished since `sayClose`. */
  readonly finished: number;
  /** Nothing is in progress and no connection could still bring work. */
  readonly isQuiet: boolean;
  /** From now on clients are told to go elsewhere with their next request. Idempotent. */
  sayClose(): void;
  /**
   * Ends idle connections: those that brought no request for `graceMs`, counted from `from` or from when they became
   * idle, whichever is later.
   */
  closeIdle(from: number, graceMs: number): void;
  /** The server listens again after it was closed: back to full service. */
  reopen(): void;
  /** Ends connections that took over another protocol and so never become idle. */
  endUpgraded(): void;
  /** Destroys what is left. */
  destroy(): void;
}
