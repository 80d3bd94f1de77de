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

/** Takes a stream of bytes apart again, however it was cut. Holds no more than one frame. */
export class FrameReader {
  readonly #mostBytes: number;
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** @param mostBytes the longest frame, without its prefix, that is let in */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * @returns the frames that are complete now
   * @throws {RangeError} If a frame announces more than `mostBytes`
   * @throws {SyntaxError} If a frame is no JSON
   */
  push(chunk: Buffer): unknown[] {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    const values: unknown[] = [];
    for (let body = this.#takeBody(); body !== undefined; body = this.#takeBody()) {
      values.push(JSON.parse(body.toString('utf8')));
    }
    return values;
  }

  #takeBody(): Buffer | undefined {
    if (this.#heldBytes < PREFIX_BYTES) return undefined;
    if ((this.#held[0] as Buffer).length < PREFIX_BYTES) this.#held = [Buffer.concat(this.#held)];
    const length = (this.#held[0] as Buffer).readUInt32BE();
    if (length > this.#mostBytes) {
      throw new RangeError(`A frame of ${length} bytes is longer than the ${this.#mostBytes} that are let in`);
    }
    const end = PREFIX_BYTES + length;
    if (this.#heldBytes < end) return undefined;
    // Not copied when it is one already: thousands of short frames may come in one chunk.
    const all = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held);
    this.#heldBytes -= end;
    this.#held = this.#heldBytes === 0 ? [] : [all.subarray(end)];
    return all.subarray(PREFIX_BYTES, end);
  }
}
