/**
 * Words and bytes on one pipe: a byte that tells the kind, a u32 in network byte order, and that many bytes. A word is
 * short and held until it is whole; data is passed on as it comes, however long its frame.
 */

import type { Writable } from 'node:stream';
import { parseWord, StatePipeError, type StateWord } from './words.js';

const PREFIX_BYTES = 5;
const WORD = 1;
const DATA = 2;
/** An error with its stack and causes is the longest there is. */
const MOST_WORD_BYTES = 1024 * 1024;
/** A u32 says more, but nothing is gained by longer ones. */
const MOST_DATA_BYTES = 2 ** 30;

export function encodeWord(word: StateWord): Buffer {
  const body = Buffer.from(JSON.stringify(word));
  return Buffer.concat([prefixOf(WORD, body.length), body]);
}

/** @param onTaken called when the pipe has taken all of it, or with why it never will */
export function writeData(pipe: Writable, chunks: readonly Buffer[], onTaken: (error?: Error | null) => void): void {
  pipe.cork();
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += MOST_DATA_BYTES) {
      const piece = chunk.subarray(at, at + MOST_DATA_BYTES);
      pipe.write(prefixOf(DATA, piece.length));
      pipe.write(piece);
    }
  }
  pipe.write(Buffer.alloc(0), onTaken);
  pipe.uncork();
}

/**
 * Takes a stream of bytes apart, and reads no faster than what it yields is taken. Ends with the stream, also in the
 * middle of a frame: then the other process has died, and whoever reads knows what is missing.
 *
 * @throws {StatePipeError} If the bytes are not what a bye writes
 */
export async function* readFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer | StateWord, void, void> {
  let held: Buffer = Buffer.alloc(0);
  let dataLeft = 0;
  for await (const chunk of source) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (;;) {
      if (dataLeft > 0 && held.length > 0) {
        const piece = held.subarray(0, dataLeft);
        dataLeft -= piece.length;
        held = held.subarray(piece.length);
        yield piece;
        continue;
      }
      if (dataLeft > 0 || held.length < PREFIX_BYTES) break;
      const [kind, length] = [held.readUInt8(), held.readUInt32BE(1)];
      if (kind === DATA) {
        dataLeft = length;
        held = held.subarray(PREFIX_BYTES);
        continue;
      }
      if (kind !== WORD || length > MOST_WORD_BYTES)
        throw new StatePipeError(`What came over the state pipe is no frame of it: kind ${kind}, ${length} bytes`);
      if (held.length < PREFIX_BYTES + length) break;
      const word = parseWord(held.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + length));
      held = held.subarray(PREFIX_BYTES + length);
      if (word) yield word;
    }
  }
}

function prefixOf(kind: number, length: number): Buffer {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
  prefix.writeUInt8(kind);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}
