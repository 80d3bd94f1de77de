/** Decides when a process that does not say so itself is ready. */

import type { Host, Timer } from './host.js';

/** For how long no new `listen()` may come before listeners that nobody claimed count as given up, in milliseconds. */
const QUIET_MS = 1000;

/**
 * First start: ready when an attached server listens. New process of an upgrade: when one listens and every inherited
 * listener was claimed, or no new `listen()` came for a second; so an app that opens its metrics port late keeps it.
 */
export class AutoReadiness {
  readonly #host: Host;
  readonly #allClaimed: () => boolean;
  readonly #onReady: () => void;
  #listening = 0;
  #holds = 0;
  #timer: Timer | undefined;
  #done = false;

  constructor(host: Host, allClaimed: () => boolean, onReady: () => void) {
    this.#host = host;
    this.#allClaimed = allClaimed;
    this.#onReady = onReady;
  }

  /** An adapter knows better than the first 'listening' when `listen()` has resolved. @returns ends the hold */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      this.#check();
    };
  }

  /** Some server in the process began to listen: there may be more to come. */
  noteListen(): void {
    if (this.#timer) this.#check();
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
    // After the application's own 'listening' callbacks.
    if (this.#holds === 0 && this.#allClaimed()) setImmediate(() => this.#finish());
    else this.#timer = this.#host.after(QUIET_MS, () => this.#finish(), true);
  }

  #finish(): void {
    if (this.#done) return;
    this.stop();
    this.#onReady();
  }
}
