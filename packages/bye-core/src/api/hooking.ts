/** The part of a `Bye` that lets the application take part in its stops and upgrades. */

import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import type { GoodbyeHook } from '../goodbye.js';
import type { Hook } from '../hooks.js';
import type { StateHandlers } from '../options/state.js';
import type { State } from '../state/state.js';
import type { Reason } from '../status.js';
import type { Hooks } from '../wiring/parts.js';
import { Spawner } from './spawner.js';

export abstract class Hooking extends Spawner {
  protected abstract get hooks(): Hooks;
  protected abstract get state(): State;

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

  /**
   * Adds a hook that is asked for each WebSocket and each endless answer when its turn to be closed has come, at a stop or
   * an upgrade. It may write a last message and let bye close (return a promise of its having been written), or close in
   * its own way: return `true` or a promise of it, and bye leaves that connection alone until the deadline. A hook that
   * throws is passed over. Not asked for streams of HTTP/2.
   *
   * @returns a function that takes the hook off again
   */
  onGoodbye(hook: GoodbyeHook): () => void {
    return this.hooks.goodbye.add(hook);
  }

  /**
   * Says that an answer has no end of its own: bye ends it at a stop or an upgrade, as it does with those of type
   * `text/event-stream` by itself. What is written to it afterwards is dropped.
   *
   * @param response of HTTP/1.1 or HTTP/2, before its head is sent; `reply.raw` in Fastify, `context.res` in Koa
   */
  markEndless(response: ServerResponse | Http2ServerResponse | ServerHttp2Stream): void {
    this.hooks.goodbye.markEndless(response);
  }

  /** Runs before the new process is started: release what only one process may hold. A throw fails the upgrade. */
  onBeforeUpgrade(hook: Hook<void>): () => void {
    return this.hooks.beforeUpgrade.add(hook);
  }

  /** Runs when an upgrade has failed, with the error: take back what `onBeforeUpgrade` released. */
  onUpgradeFailed(hook: Hook<unknown>): () => void {
    return this.hooks.upgradeFailed.add(hook);
  }

  /**
   * Runs when a signal comes that operators send to a living service: SIGHUP to reload the configuration, SIGUSR2 to
   * reopen logs. In every generation, while it drains and stops as well.
   *
   * The hooks of a signal run in the order they were added, one run at a time: what comes while they run makes them run
   * once more. What one throws is the event `hook-failed` and stops nothing. One that never ends keeps the later runs
   * from beginning. A signal that came while the new process of an upgrade started is delivered once, if the hook is
   * added before that is ready. Only the process's instance listens, and only where it handles signals.
   *
   * @returns a function that takes the hook off again; with the last one the signal does again what Node does with it
   * @throws {RangeError} If the signal stops or upgrades the service (`onShutdown` and `onBeforeUpgrade` are for that),
   * can't be handled (SIGKILL, SIGSTOP), or is none
   */
  onSignal(name: NodeJS.Signals, hook: Hook<NodeJS.Signals>): () => void {
    return this.hooks.onSignal.add(name, hook);
  }

  /**
   * Registers a section of the state that an old process hands to its new one. The option `state` is the section 'app'.
   *
   * In the new process of an upgrade, before it is ready, it asks the old one for what that has under this name, and
   * `ready()` waits until it is loaded. Later, and where nothing runs before or after, it only registers.
   *
   * @param name the same in all versions, one section each
   * @returns `true`: this process has loaded what the old one had; `false`: there was nothing, as in a first start, or the
   * old process died meanwhile. Never settles if this version refuses what came, as the old process ends it then.
   * @throws {TypeError | RangeError} If the name is taken, or a handler is not what it should be
   *
   * @example A cache that would be slow to fill again
   * ```ts
   * await bye.addState('cache', {
   *   save: (stream) => pipeline(cache.entries(), encode, stream),
   *   load: (stream) => pipeline(stream, decode, cache.fill),
   * });
   * ```
   */
  addState(name: string, handlers: StateHandlers): Promise<boolean> {
    return this.state.add(name, handlers);
  }

  /** Resolves when every section that was registered so far is loaded, or found to be missing. `ready()` waits for it. */
  get stateLoaded(): Promise<void> {
    return this.state.loaded();
  }

  /** Runs after requests and tasks, the last added first: close the database here. */
  onClose(hook: Hook<void>): () => void {
    return this.hooks.onClose.add(hook);
  }
}
