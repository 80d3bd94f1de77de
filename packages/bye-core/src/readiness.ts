/** Decides when a process that does not say so itself is ready. */

import type { Host, Timer } from './host.js';

/** For how long no new `listen()` may come before listeners that nobody claimed count as given up, in milliseconds. */
const QUIET_MS = 1000;

export interface AutoReadinessParts {
  readonly host: Host;
  readonly allClaimed: () => boolean;
  /** How long to stay alive after that before it counts, in milliseconds: what fails, mostly fails at once. */
  readonly settleMs: () => number;
  readonly onReady: () => void;
}

/**
 * First start: ready when an attached server listens. New process of an upgrade: when one listens and every inherited
 * listener was claimed, or no new `listen()` came for a second; so an app that opens its metrics port late keeps it.
 */
export class AutoReadiness {
  readonly #parts: AutoReadinessParts;
  #listening = 0;
  #holds = 0;
  #timer: Timer | undefined;
  #done = false;

  constructor(parts: AutoReadinessParts) {
    this.#parts = parts;
  }

  /**
   * An adapter knows better than the first 'listening' when `listen()` has resolved.
   *
   * @returns ends the hold: `true` if it has, `false` if the application went away instead
   */
  hold(): (hasListened: boolean) => void {
    this.#holds += 1;
    let held = true;
    return (hasListened) => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      if (hasListened) this.#check();
    };
  }

  /** Some server in the process is about to listen: there may be more to come. */
  noteListen(): void {
    // Not now: it has claimed its listener, but has no handle yet that could start to accept.
    if (this.#timer) setImmediate(() => this.#check());
  }

  /** An attached server listens. */
  noteAttached(): void {
    this.#listening += 1;
    this.#check();
  }

  stop(): void {
    this.#done = true;
    this.#timer?.cancel();
  }

  #check(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#done || this.#listening === 0) return;
    const { host, allClaimed, settleMs } = this.#parts;
    const isComplete = this.#holds === 0 && allClaimed();
    const waitMs = Math.max(settleMs(), isComplete ? 0 : QUIET_MS);
    // In this turn: whoever waits for listen() finds the service ready.
    if (waitMs === 0) this.#finish();
    else this.#timer = host.after(waitMs, () => this.#finish(), true);
  }

  #finish(): void {
    if (this.#done) return;
    this.stop();
    this.#parts.onReady();
  }
}
