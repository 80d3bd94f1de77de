/** One budget for a whole stop, from which every step takes its share. */

import type { Host } from './host.js';

export class Deadline {
  readonly #host: Host;
  readonly #onShorter = new Set<() => void>();
  #endsAt: number;

  /** @param ms how long from `startedAt`, in milliseconds */
  constructor(host: Host, ms: number, startedAt = host.now()) {
    this.#host = host;
    this.#endsAt = startedAt + ms;
  }

  get remainingMs(): number {
    return Math.max(0, this.#endsAt - this.#host.now());
  }

  /** Brings the end forward to `ms` from now; never puts it off. */
  shorten(ms: number): void {
    const endsAt = this.#host.now() + ms;
    if (endsAt >= this.#endsAt) return;
    this.#endsAt = endsAt;
    for (const rearm of [...this.#onShorter]) rearm();
  }

  /**
   * Waits for `work`, but no longer than this deadline.
   *
   * @param share how much of the time that is left the work may take, where something else comes after it
   * @returns `true` if the work settled (either way), `false` if time ran out first; the work itself goes on then
   */
  async covers(work: Promise<unknown>, share = 1): Promise<boolean> {
    let timer: ReturnType<Host['after']> | undefined;
    let arm = () => {};
    const timeUp = new Promise<false>((resolve) => {
      arm = () => {
        timer?.cancel();
        timer = this.#host.after(this.remainingMs * share, () => resolve(false), true);
      };
      arm();
    });
    this.#onShorter.add(arm);
    const settled = work.then(
      () => true,
      () => true,
    );
    try {
      return await Promise.race([settled, timeUp]);
    } finally {
      timer?.cancel();
      this.#onShorter.delete(arm);
    }
  }
}
