/** How long the command waits for a service: as long as it was told to, or as long as the service is heard of. */

import { ByeError } from '../errors.js';
import type { Host, Timer } from '../host.js';
import { formatDuration } from './duration.js';

export interface PatienceParts {
  readonly host: Host;
  /** The whole of it; `undefined`: until nothing was heard for `silenceMs`, nor is to be expected. */
  readonly timeoutMs: number | undefined;
  readonly silenceMs: number;
  readonly onEnd: (error: ByeError) => void;
}

export class Patience {
  readonly #parts: PatienceParts;
  #timer: Timer;

  constructor(parts: PatienceParts) {
    this.#parts = parts;
    this.#timer = this.#wait(parts.timeoutMs ?? parts.silenceMs);
  }

  /** @param untilMs the service's own limit for what it does now, in epoch milliseconds */
  heard(untilMs = 0): void {
    const { host, timeoutMs, silenceMs } = this.#parts;
    if (timeoutMs !== undefined) return;
    this.#timer.cancel();
    this.#timer = this.#wait(Math.max(0, untilMs - host.epochNow()) + silenceMs);
  }

  /** From now on it may take for ever, unless a time was given. */
  relax(): void {
    if (this.#parts.timeoutMs === undefined) this.#timer.cancel();
  }

  end(): void {
    this.#timer.cancel();
  }

  #wait(ms: number): Timer {
    const message =
      this.#parts.timeoutMs === undefined
        ? `Cannot tell how it ended as nothing was heard of the service for ${formatDuration(ms)}`
        : `Cannot tell how it ended as ${formatDuration(ms)} have passed`;
    return this.#parts.host.after(
      ms,
      () => this.#parts.onEnd(new ByeError('ERR_BYE_CONTROL_TIMEOUT', message, { timeoutMs: ms })),
      true,
    );
  }
}
