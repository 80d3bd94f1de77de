/** Owns the counting of a load: what was sent, answered, by whom, and what went wrong where. */
import type { CloseInfo } from './connection-types.js';
import type { Answer } from './exchange.js';
import type { FailureClass, FailureContext, StrictFailure } from './failure.js';

/** One of the first failures of a load. */
export interface FailureRecord extends FailureContext {
  readonly failure: FailureClass;
  readonly message: string;
  /** Since the load began. */
  readonly atMs: number;
}

/** What a load did so far. */
export interface TrafficCounts {
  /** Requests of which at least one byte was written, and connections that were not to be had. */
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  /** Connections that were opened. */
  readonly connects: number;
  /** Connections of keep-alive clients after their first. */
  readonly reconnects: number;
  /** Connections that the server closed, unannounced, while no request was outstanding. */
  readonly idleCloses: number;
  /** Those of them that were reset instead of closed. */
  readonly idleResets: number;
  /** Answers that said `Connection: close`. */
  readonly closesSaid: number;
  /** Clients that have not ended. */
  readonly clients: number;
  /** Right answers by the process that gave them (0: unknown). */
  readonly byPid: ReadonlyMap<number, number>;
  /** The longest time from request to answer. */
  readonly slowestMs: number;
  /** The first 20. */
  readonly failures: readonly FailureRecord[];
}

/** Counts. */
export class Tally {
  readonly #startedAt = performance.now();
  readonly #byPid = new Map<number, number>();
  readonly #failures: FailureRecord[] = [];
  #ok = 0;
  #failed = 0;
  #outstanding = 0;
  #connects = 0;
  #reconnects = 0;
  #idleCloses = 0;
  #idleResets = 0;
  #closesSaid = 0;
  #slowestMs = 0;

  sent(): void {
    this.#outstanding++;
  }

  notSent(): void {
    this.#outstanding--;
  }

  answered(answer: Answer): void {
    this.#outstanding--;
    this.#ok++;
    if (answer.saidClose) this.#closesSaid++;
    this.#slowestMs = Math.max(this.#slowestMs, answer.durationMs);
    this.#byPid.set(answer.pid ?? 0, (this.#byPid.get(answer.pid ?? 0) ?? 0) + 1);
  }

  failed(error: StrictFailure): void {
    this.#outstanding--;
    this.#failed++;
    if (this.#failures.length >= 20) return;
    const atMs = Math.round(performance.now() - this.#startedAt);
    this.#failures.push({ failure: error.failure, message: error.message, atMs, ...error.context });
  }

  connected(): void {
    this.#connects++;
  }

  reconnected(): void {
    this.#reconnects++;
  }

  closed(info: CloseInfo): void {
    if (info.idle) this.#idleCloses++;
    if (info.idle && info.reset) this.#idleResets++;
    if (info.failure === undefined) return;
    this.sent();
    this.failed(info.failure);
  }

  counts(clients: number): TrafficCounts {
    return {
      sent: this.#ok + this.#failed + this.#outstanding,
      ok: this.#ok,
      failed: this.#failed,
      connects: this.#connects,
      reconnects: this.#reconnects,
      idleCloses: this.#idleCloses,
      idleResets: this.#idleResets,
      closesSaid: this.#closesSaid,
      clients,
      byPid: new Map(this.#byPid),
      slowestMs: Math.round(this.#slowestMs),
      failures: [...this.#failures],
    };
  }
}
