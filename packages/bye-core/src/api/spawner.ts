/** The part of a `Bye` that runs and tracks work. */

import type { Tasks } from '../tasks.js';

type Task<T> = (signal: AbortSignal) => T | PromiseLike<T>;
type Work<T> = PromiseLike<T> | (() => T | PromiseLike<T>);

export abstract class Spawner {
  protected abstract get tasks(): Tasks;

  /**
   * Runs a task that a stop waits for.
   *
   * Refused once a stop has begun, except while requests or tasks are in progress, which may still need it. A rejection
   * that nobody waits for is logged and never becomes an unhandledRejection.
   *
   * @throws {ByeError} If it is refused (rejection with `ERR_BYE_SHUTTING_DOWN`)
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

  /** Lets a stop wait for work that has begun already; never refused. */
  waitUntil(promise: PromiseLike<unknown>): void {
    void this.tasks.track(promise, 'waitUntil');
  }
}

function nameOf(work: unknown): string {
  return typeof work === 'function' && work.name ? work.name : 'detached';
}
