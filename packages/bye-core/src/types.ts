/** Shapes that several floors share. */

import type { IncomingMessage } from 'node:http';
import type { Phase, Reason, Status } from './status.js';

/** One answer or task that was cut off at the deadline. Never holds a query string, which may carry secrets. */
export interface CutWork {
  readonly kind: 'request' | 'task' | 'connection';
  /** `GET /users/:id` for a request, the task's name for a task. */
  readonly name: string;
  readonly ageMs: number;
}

/** How a drain went. */
export interface DrainReport {
  readonly reason: Reason;
  readonly durationMs: number;
  /** Requests that were answered after the drain had begun. */
  readonly requestsFinished: number;
  /** What was still running at the deadline; empty in a clean drain, and then the exit code is 0. */
  readonly cut: readonly CutWork[];
  /** Errors of hooks: they stop nothing. */
  readonly hookErrors: readonly unknown[];
}

/** Names a request for reports: `GET /users/:id`. */
export type DescribeRequest = (request: IncomingMessage) => string;

/** What a server handed to `attach` is for. */
export type ServerRole =
  /** Drained with the others. */
  | 'app'
  /** Metrics, health port: goes on serving until the rest of the drain is over. */
  | 'admin';

/** The pino-shaped logger that bye writes to. */
export interface Logger {
  debug(data: object, message: string): void;
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
  flush?(callback?: (error?: Error) => void): void;
}

/** How the last upgrade that this process tried ended. */
export interface LastUpgrade {
  readonly ok: boolean;
  readonly at: string;
  readonly durationMs: number;
  readonly pid?: number;
  readonly error?: string;
}

/** What `/health` answers. */
export interface HealthReport {
  readonly status: 'starting' | 'ready' | 'draining';
  readonly phase?: Phase;
  readonly reason?: Reason;
  readonly generation: number;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly inFlight: number;
  readonly connections: number;
  readonly tasks: number;
  readonly checks?: Readonly<Record<string, string>>;
  readonly lastUpgrade?: LastUpgrade;
}

/** What the control socket tells: `bye status`. */
export interface StatusReport extends HealthReport {
  /** Versions. */
  readonly node: string;
  readonly bye: string;
  /** The script that runs, as it was given; `undefined` if Node was given code instead. */
  readonly script?: string;
  /** Keys of the open listeners. */
  readonly listeners: readonly string[];
  /** While draining: the end of the budget, in epoch milliseconds. */
  readonly untilMs?: number;
  /** The upgrade that runs; no `pid` before its process was started. Times in epoch milliseconds. */
  readonly upgrade?: {
    readonly generation: number;
    readonly pid?: number;
    readonly sinceMs: number;
    readonly untilMs: number;
  };
  /** The old process that still drains. `untilMs` in epoch milliseconds. */
  readonly predecessor?: { readonly pid: number; readonly untilMs: number; readonly waitingFor: string };
}

/** What the parts ask about the process they work for. */
export interface LifecycleView {
  readonly status: Status;
  readonly phase: Phase | undefined;
  readonly reason: Reason | undefined;
}
