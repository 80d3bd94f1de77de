/** Ends an answer over the head of the application, which takes it for a client that has left. */

import type { ServerResponse } from 'node:http';
import { swallowWrites } from './swallow.js';

const LAST_CHUNK = '0\r\n\r\n';

/**
 * Completes the answer on its connection, which has to be closed after it. Not by `response.end()`: 'finish' would make a
 * `pipeline()` believe that its source has nothing more to give, and never end. So there is only a 'close', when the
 * connection is gone. What the application writes from now on is dropped.
 */
export function endAnswer(response: ServerResponse): void {
  while (response.writableCorked > 0) response.uncork();
  response.flushHeaders();
  if (response.chunkedEncoding) response.socket?.write(LAST_CHUNK);
  swallowWrites(response);
  // The application's clean-up: what is not flushed yet would be lost.
  response.destroy = () => response;
}

/** A compressed answer needs the end of its compression as well, which only its middleware can write. */
export function endEncodedAnswer(response: ServerResponse): void {
  response.end();
  swallowWrites(response);
}
