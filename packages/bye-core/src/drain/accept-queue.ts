/** Empties the kernel's accept queue, which would be reset when the last listener on it closes (T19). */

import type { Host } from '../host.js';

/** For how long, in milliseconds. */
const MOST_MS = 1000;
/** What came during a turn of the event loop is not accepted yet: the last one has to be short, in milliseconds. */
const SHORT_TURN_MS = 1;
/** For how long to wait for a short one, in milliseconds: under full load there may be none. */
const SHORT_TURN_WAIT_MS = 200;

/**
 * Resolves after a short turn of the event loop that brought no connection, or after a second.
 *
 * @param accepted - how many connections were accepted so far; undefined if the server does not listen
 */
export async function emptyAcceptQueue(host: Host, accepted: () => number | undefined): Promise<void> {
  const startedAt = host.now();
  // The first turn may be one that has looked at the queue before this call.
  for (let turn = 1, turnAt = startedAt; turnAt < startedAt + MOST_MS; turn++) {
    const before = accepted();
    if (before === undefined) return;
    await new Promise((resolve) => setImmediate(resolve));
    const tookMs = host.now() - turnAt;
    turnAt += tookMs;
    const isShort = tookMs <= SHORT_TURN_MS || turnAt > startedAt + SHORT_TURN_WAIT_MS;
    if (turn > 1 && accepted() === before && isShort) return;
  }
}
