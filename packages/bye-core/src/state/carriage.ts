/** One run of an application's handler with its stream: until it is done, fails, or is told to give up. */

import { finished } from 'node:stream/promises';
import type { IncomingState, OutgoingState } from './streams.js';

/** Runs `write` until it is done and all bytes are taken. @throws what it threw, or what destroyed its stream */
export async function runWriter(
  stream: OutgoingState,
  signal: AbortSignal,
  write: (stream: OutgoingState, about: { signal: AbortSignal }) => unknown,
): Promise<void> {
  const run = async () => {
    const result = write(stream, { signal });
    if (!isThenable(result)) return;
    await result;
    if (!stream.writableEnded) stream.end();
  };
  try {
    await Promise.all([finished(stream), run()]);
  } catch (error) {
    // It may go on writing: nobody wants that any more.
    stream.destroy();
    throw error;
  }
}

/** Runs `read` until it is done. Whatever it leaves unread is dropped. @throws what it threw, or broke its stream */
export async function runReader(stream: IncomingState, read: (stream: IncomingState) => unknown): Promise<void> {
  const over = finished(stream, { writable: false });
  // Not an unhandledRejection where the reader itself has failed already.
  over.catch(() => {});
  const result = read(stream);
  if (isThenable(result)) await result;
  else if (isRead(stream)) await over;
  // As if it had been read: the pipe is needed for what follows.
  stream.resume();
}

function isRead(stream: IncomingState): boolean {
  return stream.readableFlowing !== null || stream.listenerCount('readable') > 0;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | undefined | null)?.then === 'function';
}
