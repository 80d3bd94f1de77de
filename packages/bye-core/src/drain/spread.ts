/** Does one thing to each of many, evenly over a time: as many clients come back at once as the service can take. */

import type { Host, Timer } from '../host.js';

/** The shortest time between two steps, in milliseconds. */
const STEP_MS = 5;

export class Spread<Item> {
  readonly #host: Host;
  readonly #action: (item: Item) => void;
  #timer: Timer | undefined;

  constructor(host: Host, action: (item: Item) => void) {
    this.#host = host;
    this.#action = action;
  }

  /** Begins with the first item now; what an earlier call had left is dropped. The event loop lives until the last. */
  start(items: readonly Item[], overMs: number): void {
    this.cancel();
    const startedAt = this.#host.now();
    let done = 0;
    const step = () => {
      const share = overMs > 0 ? Math.min(1, (this.#host.now() - startedAt) / overMs) : 1;
      const due = Math.min(items.length, Math.floor(share * items.length) + 1);
      for (const item of items.slice(done, due)) this.#action(item);
      done = due;
      if (done === items.length) return;
      const nextAt = startedAt + (done * overMs) / items.length;
      this.#timer = this.#host.after(Math.max(STEP_MS, nextAt - this.#host.now()), step, true);
    };
    if (items.length > 0) step();
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
