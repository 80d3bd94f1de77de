/** What the drain asks of a protocol. To add one: implement this, and name it in `create-drain.ts`. */

import type { IncomingMessage } from 'node:http';
import type { Goodbye } from '../goodbye.js';

/** Work in progress, named by the request that it began with, or by its client. */
export type Work = {
  readonly kind?: 'request' | 'connection';
  readonly startedAt: number;
} & ({ readonly request: IncomingMessage } | { readonly name: string });

export interface ProtocolDrain {
  /** As many as `inFlight`. */
  readonly work: readonly Work[];
  readonly inFlight: number;
  readonly connectionCount: number;
  /** How much was finished since `sayClose`. */
  readonly finished: number;
  /** Nothing is in progress and no connection could still bring work. */
  readonly isQuiet: boolean;
  /** The same, but for connections that took over another protocol. */
  readonly hasOnlyUpgraded: boolean;
  /** From now on clients are told to go elsewhere with their next request. Idempotent. */
  sayClose(): void;
  /**
   * Ends idle connections: those that brought no request for `graceMs`, counted from `from` or from when they became
   * idle, whichever is later.
   */
  closeIdle(from: number, graceMs: number): void;
  /** The server listens again after it was closed: back to full service. */
  reopen(): void;
  /** Tells what would never end by itself to go, and what still comes. Again: those that were not told yet. */
  sayGoodbye(goodbye: Goodbye): void;
  /** Ends connections that took over another protocol and so never become idle. */
  endUpgraded(): void;
  /** No time is left for them: destroys what was ended and has not taken all that was written, or was idle and stays. */
  dropStalled(): void;
  /** Destroys what is left. */
  destroy(): void;
}
