/** systemd's sockets for programs that open their listeners themselves, as the Rust crate bye has it. */

import { createServer, type Server } from 'node:net';
import { INTERNALS } from './internals.js';
import { processBye } from './process-bye.js';

/**
 * The ports of the TCP sockets that systemd passed, to this process or to the one that it was upgraded from; empty if it
 * passed none.
 */
export function systemdPorts(): readonly number[] {
  return processBye()[INTERNALS].ports();
}

/**
 * A listening server on the socket that systemd passed for a port, on whatever address it is bound to; on all addresses
 * if systemd passed none for it, or passed them to another process.
 *
 * @throws {ByeError} If `LISTEN_FDS` and its companions are malformed (`ERR_BYE_ENVIRONMENT`), or name what is no
 * listening stream socket (`ERR_BYE_SOCKET_TYPE`)
 */
export async function systemdTcpListener(port: number): Promise<Server> {
  const server = createServer();
  processBye()[INTERNALS].reservePort(server, port);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  return server;
}
