/** Every server behind one Fastify application. */

import type { Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * `listen()` without a host, or on `localhost`, opens one server for each address, of which only the first is public
 * (T9). The others stand under a private symbol; in a service that owns its process they are found without it too, as
 * every `listen()` of the process is seen.
 */
export function serversOf(app: FastifyInstance): Server[] {
  return [app.server, ...secondaryServers(app)];
}

function secondaryServers(app: object): Server[] {
  for (let owner: object | null = app; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const symbol = Object.getOwnPropertySymbols(owner).find(
      ({ description }) => description === 'fastify.serverBindings',
    );
    const servers: unknown = symbol && Reflect.get(app, symbol);
    if (Array.isArray(servers)) return servers as Server[];
  }
  return [];
}
