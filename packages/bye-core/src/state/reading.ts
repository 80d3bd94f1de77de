/** One section on its way into the new process: its stream, and how the application takes it. */

import type { StateSection, StateVersion } from '../options/state.js';
import { runReader } from './carriage.js';
import { IncomingState } from './streams.js';
import type { StateStage } from './words.js';

export interface Taken {
  /** What the application threw. */
  readonly error?: unknown;
}

export class Reading {
  readonly section: StateSection;
  readonly stage: StateStage;
  readonly version: StateVersion;
  readonly startedAt: number;
  /** Resolves when the application is done with it, or has failed. Never rejects. */
  readonly over: Promise<Taken>;
  readonly #stream = new IncomingState();
  readonly #abort = new AbortController();
  /** What came of it is not all there is. */
  isBroken = false;

  constructor(section: StateSection, stage: StateStage, version: StateVersion, startedAt: number) {
    this.section = section;
    this.stage = stage;
    this.version = version;
    this.startedAt = startedAt;
    this.over = this.#run();
  }

  get bytes(): number {
    return this.#stream.bytes;
  }

  /** Resolves when the application has room for more. */
  give(bytes: Buffer): Promise<void> {
    return this.#stream.give(bytes);
  }

  /** All of it has come. */
  complete(): void {
    if (!this.#stream.destroyed) this.#stream.push(null);
  }

  /** The rest will never come. */
  break(error: Error): void {
    this.isBroken = true;
    this.#stream.destroy(error);
    this.#abort.abort(error);
  }

  /** What still comes is little, and there is nobody to hold back. */
  flood(): void {
    this.#stream.flood();
  }

  async #run(): Promise<Taken> {
    const { handlers } = this.section;
    const about = { version: this.version, signal: this.#abort.signal };
    const take = (stream: IncomingState) =>
      this.stage === 'save' ? handlers.load?.(stream, about) : handlers.merge?.(stream, about);
    try {
      await runReader(this.#stream, take);
      return {};
    } catch (error) {
      // What still comes is dropped.
      this.#stream.destroy();
      return { error: error ?? new Error('It was rejected without an error') };
    }
  }
}
