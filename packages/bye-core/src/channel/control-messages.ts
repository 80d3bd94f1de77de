/** What the control socket and its clients say to each other: one request per connection, then answers until a result. */

import type { DrainReport, StatusReport } from '../types.js';
import type { ErrorMessage } from './messages.js';

/** Raised when a request or an answer changes its meaning. New fields need no new version: both sides ignore them. */
export const CONTROL_VERSION = 1;

/** The longest request that is let in, in bytes of JSON; answers may be longer. */
export const MOST_REQUEST_BYTES = 16 * 1024;
export const MOST_ANSWER_BYTES = 4 * 1024 * 1024;

export type ControlRequest =
  /** `force`: tell a predecessor that still drains to finish now. `wait`: answer only when the old process has drained. */
  | { readonly request: 'upgrade'; readonly force: boolean; readonly wait: boolean }
  /** `watch`: a report at every change, without an end. */
  | { readonly request: 'status'; readonly watch: boolean }
  | { readonly request: 'stop' };

/** As it goes over the wire. */
export type ControlRequestFrame = { readonly bye: typeof CONTROL_VERSION } & ControlRequest;

export type ControlAnswer =
  /** An event of docs/events.md, as it happens. `data` is its payload, errors as `ErrorMessage`. */
  | {
      readonly event: string;
      readonly pid: number;
      readonly message: string;
      readonly data: Readonly<Record<string, unknown>>;
    }
  /** While something runs, or at every change if the client watches. */
  | { readonly status: StatusReport }
  /** The last frame of a connection. */
  | { readonly result: ControlResult };

export type ControlResult =
  | {
      readonly ok: true;
      readonly request: 'upgrade';
      readonly pid: number;
      readonly generation: number;
      readonly durationMs: number;
      /** With `wait`: how the old process drained. */
      readonly drain?: DrainSummary;
    }
  | { readonly ok: true; readonly request: 'status'; readonly status: StatusReport }
  | { readonly ok: true; readonly request: 'stop'; readonly drain: DrainSummary }
  | { readonly ok: false; readonly request: string; readonly error: ErrorMessage };

/** A `DrainReport` without errors that JSON can't carry. */
export type DrainSummary = Omit<DrainReport, 'hookErrors'> & {
  readonly hookErrors: readonly ErrorMessage[];
  /** How many entries of `cut` and `hookErrors` are missing, as the answer would have been too long. */
  readonly leftOut?: number;
};
