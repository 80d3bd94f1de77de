/** The forced end: http-terminator, which is kept for just that, as its graceful part loses requests. */

import type { Server as HttpServer } from 'node:http';
import { createRequire } from 'node:module';
import type { Server } from 'node:net';

const load = createRequire(__filename);

/** Ends every connection of a server at once. */
export type Terminate = () => Promise<void>;

/**
 * Has to be called before the first connection, as http-terminator knows only those that it saw come.
 * Loaded here and not at import: it costs as much as all of bye, and sets a global.
 */
export function createTerminate(server: Server): Terminate {
  const { createHttpTerminator } = load('http-terminator') as typeof import('http-terminator');
  const terminator = createHttpTerminator({ server: server as HttpServer, gracefulTerminationTimeout: 0 });
  // It closes the server last and rejects, because that was closed long ago.
  return () => terminator.terminate().catch(() => {});
}
