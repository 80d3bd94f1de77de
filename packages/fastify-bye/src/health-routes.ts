/** The health endpoints as routes, so that `inject` sees them; real requests are answered before Fastify is asked. */

import type { AppBinding } from 'bye-core';
import type { FastifyInstance } from 'fastify';

export function addHealthRoutes(app: FastifyInstance, binding: AppBinding): void {
  for (const url of binding.healthPaths) {
    if (app.hasRoute({ method: 'GET', url })) throw binding.pathTaken(url);
    app.route({
      method: 'GET',
      url,
      logLevel: 'silent',
      handler: async ({ raw }, reply) => {
        const answer = await binding.answerHealth(raw.url ?? url, raw.socket?.remoteAddress);
        return reply.code(answer.statusCode).headers(answer.headers).send(answer.body);
      },
    });
  }
  // From here on: the route of the application's own would be found only when Fastify refuses the duplicate.
  app.addHook('onRoute', ({ method, url }) => {
    if ([method].flat().includes('GET') && binding.healthPaths.includes(url)) throw binding.pathTaken(url);
  });
}
