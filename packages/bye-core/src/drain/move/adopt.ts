/** A live connection as it arrives in the new process. */

import type { Server } from 'node:http';
import type { Host } from '../../host.js';
import { connectionHandleOf, giveConnection } from '../../internals-moving.js';
import type { ServerDrain } from '../server-drain.js';
import { endIfUnused, expectSilence } from './silence.js';

/**
 * Lets a server have a connection that another process accepted.
 *
 * @param hasAsked it had a request there: not the time for a first one runs, but that for being idle
 * @returns what stops and starts its reading; `undefined` if the server does not take it (it is full, it closes)
 */
export function adopt(drain: ServerDrain, handle: object, hasAsked: boolean, host: Host) {
  const { movable, server } = drain;
  if (!movable || !drain.isListening) return undefined;
  giveConnection(server, handle);
  const connection = movable.newest;
  const own = connection && connectionHandleOf(connection.socket, server);
  if (own !== handle || !connection) return undefined;
  if (hasAsked) {
    connection.hasAsked = true;
    expectSilence(connection);
    endIfUnused(connection, server as Server, host);
  }
  return own;
}
