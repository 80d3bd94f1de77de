/** The part of a `Bye` that lets the application take part in its stops and upgrades. */

import type { Hook } from '../hooks.js';
import type { Reason } from '../status.js';
import type { Hooks } from '../wiring/parts.js';
import { Spawner } from './spawner.js';

export abstract class Hooking extends Spawner {
  protected abstract get hooks(): Hooks;

  /** "Look for no new work": aborted with the reason 'stop' or 'upgrade'. */
  abstract get signal(): AbortSignal;

  /** Resolves when a stop or an upgrade begins. */
  onShutdown(): Promise<Reason>;
  /**
   * Adds a hook that runs then, before the delay; all of them together, and the drain waits for them.
   *
   * @returns a function that takes the hook off again
   */
  onShutdown(hook: Hook<Reason>): () => void;
  onShutdown(hook?: Hook<Reason>): Promise<Reason> | (() => void) {
    if (hook !== undefined) return this.hooks.onShutdown.add(hook);
    const { signal } = this;
    return new Promise((resolve) => {
      if (signal.aborted) resolve(signal.reason as Reason);
      signal.addEventListener('abort', () => resolve(signal.reason as Reason), { once: true });
    });
  }

  /** Runs before the new process is started: release what only one process may hold. A throw fails the upgrade. */
  onBeforeUpgrade(hook: Hook<void>): () => void {
    return this.hooks.beforeUpgrade.add(hook);
  }

  /** Runs when an upgrade has failed, with the error: take back what `onBeforeUpgrade` released. */
  onUpgradeFailed(hook: Hook<unknown>): () => void {
    return this.hooks.upgradeFailed.add(hook);
  }

  /** Runs after requests and tasks, the last added first: close the database here. */
  onClose(hook: Hook<void>): () => void {
    return this.hooks.onClose.add(hook);
  }
}
