/** Owns the checking of answer bodies, byte for byte and while they arrive. */

/** Looks at a body as it arrives. A complaint, once made, makes the answer `wrong-body`. */
export interface BodyCheck {
  /** @returns what is wrong with these bytes, or undefined */
  push(bytes: Buffer): string | undefined;
  /** @returns what is wrong with the body as a whole, or undefined */
  end(): string | undefined;
}

/** Makes a fresh check for each request. */
export type CreateBodyCheck = () => BodyCheck;

const BLOCK_BYTES = 64 * 1024;
const blocks = new Map<number, Buffer>();

/** The body must be exactly this. */
export function exactBody(expected: string | Buffer): CreateBodyCheck {
  const bytes = typeof expected === 'string' ? Buffer.from(expected) : expected;
  return () => sequenceCheck(bytes.length, (offset, length) => bytes.subarray(offset, offset + length));
}

/** The body must be the first `bytes` bytes of the sequence `seed`: what `GET /large` answers. */
export function seededBody(seed: number, bytes: number): CreateBodyCheck {
  return () => sequenceCheck(bytes, (offset, length) => seededBytes(seed, offset, length));
}

/** Answers to HEAD, 204 and 304 have none. */
export const noBody: CreateBodyCheck = exactBody('');

/**
 * Bytes of a deterministic sequence, at any offset. Every 64 KiB block carries its number, so that a lost, doubled
 * or exchanged block is seen as well as a changed byte.
 *
 * @param length - how many bytes; the result may be shorter, as it never crosses a block
 */
export function seededBytes(seed: number, offset: number, length: number): Buffer {
  const index = Math.floor(offset / BLOCK_BYTES);
  const start = offset % BLOCK_BYTES;
  const block = Buffer.from(baseBlock(seed));
  block.writeUInt32BE(index, 0);
  return block.subarray(start, Math.min(start + length, BLOCK_BYTES));
}

/** @returns the first `bytes` bytes of the sequence in one buffer */
export function seededBuffer(seed: number, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < bytes; ) {
    const part = seededBytes(seed, offset, bytes - offset);
    parts.push(part);
    offset += part.length;
  }
  return Buffer.concat(parts, bytes);
}

function baseBlock(seed: number): Buffer {
  const known = blocks.get(seed);
  if (known !== undefined) return known;
  const block = Buffer.alloc(BLOCK_BYTES);
  let state = (seed | 0) ^ 0x9e3779b9 || 1;
  for (let at = 0; at < BLOCK_BYTES; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    block.writeInt32BE(state, at);
  }
  if (blocks.size >= 64) blocks.clear();
  blocks.set(seed, block);
  return block;
}

function sequenceCheck(total: number, expected: (offset: number, length: number) => Buffer): BodyCheck {
  let got = 0;
  let complaint: string | undefined;
  return {
    push(bytes) {
      for (let at = 0; at < bytes.length && complaint === undefined; ) {
        const want = expected(got, bytes.length - at);
        if (want.length === 0) complaint = `more than the ${total} bytes asked for`;
        else if (!bytes.subarray(at, at + want.length).equals(want)) complaint = `differs within ${got}+${want.length}`;
        got += want.length;
        at += want.length;
        if (got > total) complaint ??= `more than the ${total} bytes asked for`;
      }
      return complaint;
    },
    end: () => complaint ?? (got === total ? undefined : `${got} bytes instead of ${total}`),
  };
}
