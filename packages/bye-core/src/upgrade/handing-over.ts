/** What is handed over while the old process still serves, between the new one's readiness and the end of the listeners. */

import type { Successor } from './successor.js';

/** One for each attempt. */
export interface HandingOver {
  /** Whether live connections may be part of it. */
  readonly moves: boolean;
  /** How long the new process may take to stop, if it is told to: it may have work already. In milliseconds. */
  readonly patienceMs: number;
  /** Resolves when the listeners may be closed. Rejects if the new process is not fit to take over after all. */
  run(successor: Successor): Promise<void>;
  /** The upgrade has failed: hand over no more. The new process may still live. */
  stop(): void;
  /** The new process has ended, and all that it had said was heard: everything as it was. */
  undo(): void;
}

/** For an upgrade that hands over nothing but listeners. */
export const NOTHING_MORE: HandingOver = { moves: false, patienceMs: 0, run: async () => {}, stop() {}, undo() {} };
