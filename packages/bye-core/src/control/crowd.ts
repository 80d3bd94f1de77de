/** Keeps the connections that nobody needs to a bounded number, however many come at once. */

import type { Host, Timer } from '../host.js';

/** Connections without a request yet, and connections that have their result and do not close. */
export const MOST_WAITING = 256;
/** Those without a request that are too young to be closed for that: a client takes a moment to send its request. */
export const MOST_YOUNG = 1024;
/** How long they are young, in milliseconds. */
const YOUNG_MS = 250;
/** In one turn the event loop accepts, in the next it reads: what a client sent at once is read by then. */
const TURNS_TO_READ = 2;

export interface Visitor {
  readonly since: number;
  destroy(): void;
}

export class Crowd<V extends Visitor> {
  readonly #host: Host;
  /** By age, with the turn in which each came. */
  readonly #waiting = new Map<V, number>();
  readonly #leaving = new Set<V>();
  #turn = 0;
  #isTrimming = false;
  #later: Timer | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  get size(): number {
    return this.#waiting.size + this.#leaving.size;
  }

  /** It has connected, and may be closed for others until it has asked for something. */
  enter(visitor: V): void {
    this.#waiting.set(visitor, this.#turn);
    this.#trimSoon();
  }

  /** It has its result: it may be closed any moment. */
  leave(visitor: V): void {
    this.#waiting.delete(visitor);
    this.#leaving.add(visitor);
    const [oldest] = this.#leaving;
    if (this.#leaving.size <= MOST_WAITING || !oldest) return;
    this.#leaving.delete(oldest);
    oldest.destroy();
  }

  /** How long somebody may still be about to send a request, in milliseconds; 0 if nobody is. */
  get youngForMs(): number {
    const newest = [...this.#waiting.keys()].at(-1);
    return newest === undefined ? 0 : Math.max(0, newest.since + YOUNG_MS - this.#host.now());
  }

  /** It has gone, or has asked for something. */
  remove(visitor: V): void {
    this.#waiting.delete(visitor);
    this.#leaving.delete(visitor);
  }

  #trimSoon(): void {
    if (this.#isTrimming || this.#waiting.size <= MOST_WAITING) return;
    this.#isTrimming = true;
    setImmediate(() => {
      this.#isTrimming = false;
      this.#turn += 1;
      this.#trim();
    });
  }

  /** Closes the oldest that had their time; of the others only those that are beyond any bound. */
  #trim(): void {
    for (const [visitor, turn] of this.#waiting) {
      if (this.#waiting.size <= MOST_WAITING) break;
      const youngMs = visitor.since + YOUNG_MS - this.#host.now();
      if (youngMs > 0 && this.#waiting.size <= MOST_YOUNG) {
        this.#later?.cancel();
        this.#later = this.#host.after(youngMs, () => this.#trimSoon());
        break;
      }
      if (this.#turn - turn < TURNS_TO_READ) {
        this.#trimSoon();
        break;
      }
      this.#waiting.delete(visitor);
      visitor.destroy();
    }
  }
}
