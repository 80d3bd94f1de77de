/** The part of a `Bye` that runs and tracks work. */

import type { Tasks } from '../tasks.js';

type Task<T> = (signal: AbortSignal) => T | PromiseLike<T>;
type Work<T> = PromiseLike<T> | (() => T | PromiseLike<T>);

export abstract class Spawner {
  protected abstract get tasks(): Tasks;

  /**
   * Runs a task that a stop waits for. It starts in this call, in the caller's `AsyncLocalStorage` context.
   *
   * Refused once a stop has begun, except while requests or tasks are in progress, which may still need it. A rejection
   * that nobody waits for is logged and never becomes an unhandledRejection. Does not end a task: that gets the signal
   * that no new work should be looked for, and is cut only when the stop's time is up. In a stop it must not wait for the
   * application's `close()`, which waits for tasks.
   *
   * @param task gets `bye.signal`
   * @param options `name`: for the log and for reports of what was cut; the function's own by default
   * @returns the task's result
   * @throws {ByeError} If it is refused (rejection with `ERR_BYE_SHUTTING_DOWN`)
   *
   * @example Send a mail after the answer
   * ```ts
   * response.end('ordered');
   * void bye.spawn(() => sendMail(order), { name: 'order mail' });
   * ```
   */
  spawn<T>(task: Task<T>, { name = task.name || 'task' }: { name?: string } = {}): Promise<T> {
    return this.tasks.spawn(task, name);
  }

  /** Like `spawn`. @returns `undefined` instead of a refusal */
  trySpawn<T>(task: Task<T>, { name = task.name || 'task' }: { name?: string } = {}): Promise<T> | undefined {
    return this.tasks.trySpawn(task, name);
  }

  /** Like `spawn`, for work that cannot be told to end early: a promise, or a function that gets no signal. */
  spawnDetached<T>(work: Work<T>): Promise<T> {
    return this.spawn(() => (typeof work === 'function' ? work() : work), { name: nameOf(work) });
  }

  /** Like `spawnDetached`. @returns `undefined` instead of a refusal */
  trySpawnDetached<T>(work: Work<T>): Promise<T> | undefined {
    return this.trySpawn(() => (typeof work === 'function' ? work() : work), { name: nameOf(work) });
  }

  /** Lets a stop wait for work that has begun already; never refused. A rejection is logged, and handled with that. */
  waitUntil(promise: PromiseLike<unknown>): void {
    void this.tasks.track(promise, 'waitUntil');
  }
}

function nameOf(work: unknown): string {
  return typeof work === 'function' && work.name ? work.name : 'detached';
}
