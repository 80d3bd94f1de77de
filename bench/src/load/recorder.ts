/** Owns what a load saw: each answer with its time, each failure with its kind. */
import type { Answer, StrictFailure } from '@bye/testkit';

/** One failure, in the words of the strict client; `503` and the like for a whole answer with another status. */
export interface Failure {
  readonly kind: string;
  readonly atMs: number;
  /** Whether the connection had brought an answer before. */
  readonly used: boolean;
}

/** A stretch of time, in milliseconds of `performance.now()`. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export class Recorder {
  readonly failures: Failure[] = [];
  answered = 0;
  /** Connections that the server closed, unannounced, while no request was outstanding: no failure. */
  idleCloses = 0;
  readonly #firstSeen = new Map<number, number>();
  readonly #startsMs: number[] = [];
  readonly #durationsMs: number[] = [];

  /** Requests of which at least one byte was written, and connections that were not to be had. */
  get sent(): number {
    return this.answered + this.failures.length;
  }

  /** @param isTimed - the time counts: not for a request that asked to wait */
  answer(answer: Answer, startedMs: number, isTimed: boolean): void {
    const now = performance.now();
    this.answered++;
    if (answer.pid !== undefined && !this.#firstSeen.has(answer.pid)) this.#firstSeen.set(answer.pid, now);
    if (!isTimed) return;
    this.#startsMs.push(startedMs);
    this.#durationsMs.push(now - startedMs);
  }

  failure(error: StrictFailure, used: boolean): void {
    const status = /^bad-status: .*: (\d{3}) /.exec(`${error.message} `)?.[1];
    this.failures.push({ kind: status ?? error.failure, atMs: performance.now(), used });
  }

  /** @returns when a process that had not answered before this moment first did */
  firstNewcomerMs(sinceMs: number): number | undefined {
    const later = [...this.#firstSeen.values()].filter((atMs) => atMs >= sinceMs);
    return later.length === 0 ? undefined : Math.min(...later);
  }

  /** @returns the times of the requests that were sent in the span */
  durationsIn({ fromMs, toMs }: Span): number[] {
    return this.#durationsMs.filter((_, index) => {
      const start = this.#startsMs[index] ?? 0;
      return start >= fromMs && start < toMs;
    });
  }
}
