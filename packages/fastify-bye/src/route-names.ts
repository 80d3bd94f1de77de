/** Names a request by its route pattern, for the report of what a stop had to cut. */

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const REQUEST = Symbol('fastify-bye.request');

type NamedMessage = IncomingMessage & { [REQUEST]?: FastifyRequest };

/** Remembers which Fastify request belongs to which message; the pattern is looked up only when it is asked for. */
export function rememberRequests(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    (request.raw as NamedMessage)[REQUEST] = request;
    done();
  });
}

/** @returns `GET /users/:id`, or `undefined` for what no route answers */
export function routeOf(message: NamedMessage): string | undefined {
  const pattern = message[REQUEST]?.routeOptions.url;
  return pattern === undefined ? undefined : `${message.method} ${pattern}`;
}
