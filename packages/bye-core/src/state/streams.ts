/** The streams that an application writes its state to and reads it from. */

import { Readable, Writable } from 'node:stream';
import { writeData } from './frames.js';

/** Old process: takes no more than the pipe does. */
export class OutgoingState extends Writable {
  readonly #pipe: Writable;
  readonly #explain: (cause: Error) => Error;
  bytes = 0;

  /** @param explain the error of this stream if the pipe takes no more */
  constructor(pipe: Writable, explain: (cause: Error) => Error) {
    super();
    this.#pipe = pipe;
    this.#explain = explain;
    // An application that does not listen must not die of it: who waits for this stream tells what happened.
    this.on('error', () => {});
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  #send(chunks: Buffer[], done: (error?: Error | null) => void): void {
    for (const { length } of chunks) this.bytes += length;
    writeData(this.#pipe, chunks, (error) => done(error ? this.#explain(error) : null));
  }
}

/** New process: asks for no more than the application reads. */
export class IncomingState extends Readable {
  #wake = () => {};
  #isFlooded = false;
  bytes = 0;

  constructor() {
    super();
    this.on('error', () => {});
  }

  override _read(): void {
    this.#wake();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wake();
    done(error);
  }

  /** Resolves when there is room for more. An application that ended the stream early wants no more: that is dropped. */
  async give(bytes: Buffer): Promise<void> {
    this.bytes += bytes.length;
    if (this.destroyed || this.push(bytes) || this.#isFlooded) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Takes the rest as it comes: all there is of it is what the pipe still holds. */
  flood(): void {
    this.#isFlooded = true;
    this.#wake();
  }
}
