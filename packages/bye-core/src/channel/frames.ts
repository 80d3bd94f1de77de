/**
 * Length-prefixed JSON: a u32 in network byte order, and that many bytes of JSON. What tokio's LengthDelimitedCodec
 * speaks by default, and with it shellflip's coordination socket.
 */

const PREFIX_BYTES = 4;

export function encodeFrame(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + body.length);
  frame.writeUInt32BE(body.length);
  body.copy(frame, PREFIX_BYTES);
  return frame;
}

/** Takes a stream of bytes apart again, however it was cut. Holds no more than one frame, in one piece. */
export class FrameReader {
  readonly #mostBytes: number;
  readonly #prefix = new Part(Buffer.alloc(PREFIX_BYTES));
  /** Sized by its announcement: a frame that comes byte by byte costs no more than one that comes whole. */
  #body: Part | undefined;
  #failure: Error | undefined;

  /** @param mostBytes the longest frame, without its prefix, that is let in */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * @returns the frames that are complete now, up to a bad one: the next call throws for that one, whatever it brings
   * @throws {RangeError} If a frame announces more than `mostBytes`, as soon as it does
   * @throws {SyntaxError} If a frame is no JSON
   */
  push(chunk: Uint8Array): unknown[] {
    if (this.#failure) throw this.#failure;
    const values: unknown[] = [];
    try {
      let at = this.#take(chunk, 0, values);
      while (at < chunk.length) at = this.#take(chunk, at, values);
    } catch (error) {
      this.#failure = error as Error;
      if (values.length === 0) throw error;
    }
    return values;
  }

  /** Whether a frame has begun and is not complete. */
  get isInside(): boolean {
    return this.#body !== undefined || this.#prefix.filled > 0;
  }

  /** @returns how far it has read */
  #take(chunk: Uint8Array, from: number, values: unknown[]): number {
    let at = from;
    if (!this.#body) {
      at = this.#prefix.fill(chunk, at);
      if (!this.#prefix.isFull) return at;
      const length = this.#prefix.bytes.readUInt32BE();
      if (length > this.#mostBytes) {
        throw new RangeError(`A frame of ${length} bytes is longer than the ${this.#mostBytes} that are let in`);
      }
      this.#body = new Part(Buffer.alloc(length));
    }
    at = this.#body.fill(chunk, at);
    if (!this.#body.isFull) return at;
    const text = this.#body.bytes.toString('utf8');
    this.#prefix.filled = 0;
    this.#body = undefined;
    values.push(JSON.parse(text));
    return at;
  }
}

class Part {
  readonly bytes: Buffer;
  filled = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isFull(): boolean {
    return this.filled === this.bytes.length;
  }

  /** @returns how far of `chunk` it took */
  fill(chunk: Uint8Array, from: number): number {
    const part = chunk.subarray(from, from + this.bytes.length - this.filled);
    this.bytes.set(part, this.filled);
    this.filled += part.length;
    return from + part.length;
  }
}
