/** How a command ended, whichever way it went. */

import type { DrainSummary } from '../channel/control-messages.js';
import type { ErrorMessage } from '../channel/messages.js';
import type { StatusReport } from '../types.js';

export type Request = 'upgrade' | 'status' | 'stop';

/** All that a PID file tells: a process that wrote one was ready. */
export interface ProcessStatus {
  readonly status: 'ready';
  readonly pid: number;
  /** Unknown where there is no /proc. */
  readonly uptimeMs?: number;
}

export type CommandResult =
  | {
      readonly ok: true;
      readonly request: 'upgrade';
      readonly pid: number;
      /** Unknown by PID file. */
      readonly generation?: number;
      readonly durationMs: number;
      readonly drain?: DrainSummary;
    }
  | { readonly ok: true; readonly request: 'status'; readonly status: StatusReport | ProcessStatus }
  | {
      readonly ok: true;
      readonly request: 'stop';
      /** The process that was stopped. */
      readonly pid?: number;
      /** Unknown by PID file. */
      readonly drain?: DrainSummary;
    }
  | { readonly ok: false; readonly request: string; readonly error: ErrorMessage };
