/** RFC 6455, section 5: where the frames end that a server writes, and the one frame that bye writes itself. */

const CLOSE = 0x8;
/** Going away: "a server going down" (RFC 6455, 7.4.1). */
export const GOING_AWAY = 1001;
/** Service restart: the client may come back at once (IANA's registry of WebSocket close codes). */
export const SERVICE_RESTART = 1012;

/** A close frame without a reason; a server does not mask. */
export function closeFrame(code: number): Buffer {
  const frame = Buffer.from([0x80 | CLOSE, 2, 0, 0]);
  frame.writeUInt16BE(code, 2);
  return frame;
}

/** Follows what is written, however it is cut into pieces. Copies nothing but frame heads. */
export class FrameBoundaries {
  readonly #head: number[] = [];
  #payloadLeft = 0;
  /** The application has said goodbye itself. */
  hasClosed = false;

  /** Nothing is half written: another frame may come now, also in the midst of a fragmented message (5.4). */
  get isBetweenFrames(): boolean {
    return this.#head.length === 0 && this.#payloadLeft === 0;
  }

  push(bytes: Uint8Array): void {
    let at = this.skip(bytes.length);
    while (at < bytes.length) {
      this.#head.push(bytes[at++] as number);
      if (this.#head.length < headLength(this.#head)) continue;
      if (((this.#head[0] as number) & 0x0f) === CLOSE) this.hasClosed = true;
      this.#payloadLeft = payloadLength(this.#head);
      this.#head.length = 0;
      at += this.skip(bytes.length - at);
    }
  }

  /** Takes bytes off the payload that is still to come, unseen. @returns how many */
  skip(count: number): number {
    const skipped = Math.min(count, this.#payloadLeft);
    this.#payloadLeft -= skipped;
    return skipped;
  }

  get payloadLeft(): number {
    return this.#payloadLeft;
  }
}

function headLength(head: readonly number[]): number {
  const second = head[1];
  if (second === undefined) return 2;
  const short = second & 0x7f;
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
  return 2 + extended + (second & 0x80 ? 4 : 0);
}

function payloadLength(head: readonly number[]): number {
  const short = (head[1] as number) & 0x7f;
  if (short < 126) return short;
  return head.slice(2, short === 127 ? 10 : 4).reduce((length, byte) => length * 256 + byte, 0);
}
