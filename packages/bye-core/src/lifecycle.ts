/** Where this process is in its life. The only writer of the status. */

import { setMaxListeners } from 'node:events';
import type { Host } from './host.js';
import { isLegalStep, type Phase, type Reason, type Status } from './status.js';

export class Lifecycle {
  readonly #host: Host;
  readonly #startedAt: number;
  readonly #work = new AbortController();
  readonly #cut = new AbortController();
  #status: Status = 'starting';
  #phase: Phase | undefined;
  #reason: Reason | undefined;
  #green = true;

  constructor(host: Host) {
    this.#host = host;
    this.#startedAt = host.now();
    // Every task and every request may listen to them: many listeners are no leak here.
    setMaxListeners(0, this.#work.signal, this.#cut.signal);
  }

  get status(): Status {
    return this.#status;
  }

  get phase(): Phase | undefined {
    return this.#phase;
  }

  get reason(): Reason | undefined {
    return this.#reason;
  }

  get isRunning(): boolean {
    return this.#status === 'starting' || this.#status === 'ready';
  }

  get uptimeMs(): number {
    return Math.round(this.#host.now() - this.#startedAt);
  }

  /** What the application itself said about readiness. */
  get isGreen(): boolean {
    return this.#green;
  }

  /** Aborted when no new work should be looked for; its reason is 'stop' or 'upgrade'. */
  get signal(): AbortSignal {
    return this.#work.signal;
  }

  /** Aborted at the cut: what still runs then is given up. */
  get deadlineSignal(): AbortSignal {
    return this.#cut.signal;
  }

  /** @returns whether that is a change */
  setGreen(green: boolean): boolean {
    if (green === this.#green) return false;
    this.#green = green;
    return true;
  }

  becomeReady(): boolean {
    return this.#step('ready');
  }

  /** @returns false if it drains or has stopped already */
  beginDrain(reason: Reason): boolean {
    if (!this.#step('draining')) return false;
    this.#reason = reason;
    this.#work.abort(reason);
    return true;
  }

  enterPhase(phase: Phase): void {
    this.#phase = phase;
  }

  cut(): void {
    this.#cut.abort(new DOMException('The deadline of the drain has passed', 'TimeoutError'));
  }

  finish(): void {
    this.#phase = undefined;
    this.#step('stopped');
  }

  #step(to: Status): boolean {
    if (!isLegalStep(this.#status, to)) return false;
    this.#status = to;
    return true;
  }
}
