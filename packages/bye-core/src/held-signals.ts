/** Signals that are kept from a new process until the version that runs in it has its hooks, and those that came. */

import type { Host } from './host.js';

export class HeldSignals {
  readonly #waiting: Set<string>;
  readonly #came = new Set<string>();
  readonly #removers: (() => void)[];

  /**
   * @param remembered what somebody may still want to hear of
   * @param ignored what is only kept from doing harm
   */
  constructor(host: Host, remembered: readonly NodeJS.Signals[], ignored: readonly NodeJS.Signals[]) {
    this.#waiting = new Set(remembered);
    this.#removers = [
      ...remembered.map((signal) => host.onSignal(signal, () => this.#note(signal))),
      ...ignored.map((signal) => host.onSignal(signal, () => {})),
    ];
  }

  /**
   * From now on somebody else answers this signal; it stays harmless even if they stop.
   *
   * @returns whether it came before
   */
  take(signal: string): boolean {
    this.#waiting.delete(signal);
    return this.#came.delete(signal);
  }

  /** Ends it. @returns the signals that came and that nobody took */
  release(): string[] {
    for (const remove of this.#removers.splice(0)) remove();
    return [...this.#came];
  }

  #note(signal: string): void {
    if (this.#waiting.has(signal)) this.#came.add(signal);
  }
}
