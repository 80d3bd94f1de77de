/** Work that a stop waits for. */

import { ByeError } from './errors.js';
import type { Host } from './host.js';
import type { CutWork } from './types.js';

interface Task {
  readonly name: string;
  readonly startedAt: number;
}

export interface TasksParts {
  readonly host: Host;
  readonly signal: AbortSignal;
  /** Whether new work may still begin: always while running, and as long as work in progress may need it. */
  readonly mayStart: () => boolean;
  /** Called for a rejection that nobody waits for. */
  readonly onUnheard: (name: string, error: unknown) => void;
  readonly reason: () => string;
}

export class Tasks {
  readonly #parts: TasksParts;
  readonly #running = new Set<Task>();
  readonly #waiting = new Set<() => void>();

  constructor(parts: TasksParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#running.size;
  }

  /**
   * Runs a task and tracks it until it settles. A rejection that nobody waits for is reported, and never becomes an
   * unhandledRejection, which would end the process in the middle of other people's requests.
   */
  spawn<T>(task: (signal: AbortSignal) => T | PromiseLike<T>, name: string): Promise<T> {
    if (!this.#parts.mayStart()) return Promise.reject(this.#refusal(name));
    return this.track(
      new Promise<T>((resolve) => {
        resolve(task(this.#parts.signal));
      }),
      name,
    );
  }

  trySpawn<T>(task: (signal: AbortSignal) => T | PromiseLike<T>, name: string): Promise<T> | undefined {
    return this.#parts.mayStart() ? this.spawn(task, name) : undefined;
  }

  /** Tracks a promise that exists already, whatever the status: its work has begun. */
  track<T>(promise: PromiseLike<T>, name: string): Promise<T> {
    const task: Task = { name, startedAt: this.#parts.host.now() };
    this.#running.add(task);
    const heard = new HeardPromise<T>((resolve) => resolve(promise));
    const settle = (): void => {
      this.#running.delete(task);
      if (this.#running.size === 0) for (const resolve of [...this.#waiting]) resolve();
    };
    Promise.prototype.then.call(heard, settle, (error: unknown) => {
      settle();
      if (!heard.isHeard) this.#parts.onUnheard(name, error);
    });
    return heard;
  }

  /** Resolves when no task is left. */
  whenEmpty(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#running.size === 0) return resolve();
      const done = () => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
    });
  }

  listWork(): CutWork[] {
    const now = this.#parts.host.now();
    return [...this.#running].map(({ name, startedAt }) => ({
      kind: 'task' as const,
      name,
      ageMs: Math.round(now - startedAt),
    }));
  }

  #refusal(name: string): ByeError {
    const reason = this.#parts.reason();
    return new ByeError(
      'ERR_BYE_SHUTTING_DOWN',
      `Cannot spawn the task '${name}' as this process is shutting down and nothing is in progress any more: use trySpawn() where that is expected`,
      { reason },
    );
  }
}

/** Knows whether anybody waits for it: `await` and every combinator call `then` of a promise that is not a plain one. */
class HeardPromise<T> extends Promise<T> {
  isHeard = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // biome-ignore lint/suspicious/noThenProperty: a promise is meant
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isHeard = true;
    return super.then(onFulfilled, onRejected);
  }
}
