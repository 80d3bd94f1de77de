/** Requests that were read during a drain and wait before the application sees them. */

export class HeldRequests {
  #waiting: (() => void)[] | undefined;

  /** One turn later at the earliest, so that pipelined requests that came in the same packet are counted before the first is answered. */
  add(pass: () => void): void {
    if (this.#waiting) this.#waiting.push(pass);
    else setImmediate(pass);
  }

  /** Until `release()`: each answer would send a client back into the accept queue that is being emptied. */
  hold(): void {
    this.#waiting ??= [];
  }

  release(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const pass of waiting) setImmediate(pass);
  }
}
