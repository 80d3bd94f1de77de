/** fastify-bye: stop or replace a Fastify service while people use it. */

import { Bye, ByeError, type ByeOptions, type Logger, processBye, ready, valueState } from 'bye-core';
import type { FastifyBaseLogger, FastifyPluginAsync } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { addHealthRoutes } from './health-routes.js';
import { rememberRequests, routeOf } from './route-names.js';
import { serversOf } from './servers-of.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** The service this application belongs to: tasks, hooks, upgrades, health. */
    bye: Bye;
  }
}

/** Options of `app.register(fastifyBye, options)`: those of bye-core, and the instance to use. */
export interface FastifyByeOptions extends ByeOptions {
  /** Share or inject an instance. @defaultValue `processBye()` with the other options */
  bye?: Bye;
}

/** The plugin, under the names by which `require('fastify-bye')` has it, too. */
export interface FastifyBye extends FastifyPluginAsync<FastifyByeOptions> {
  readonly default: FastifyBye;
  readonly fastifyBye: FastifyBye;
}

const plugin: FastifyPluginAsync<FastifyByeOptions> = async (app, { bye: given, ...options }) => {
  const bye = given ?? processBye(options);
  const logger = loggerOf(app.log);
  const binding = bye.bindApp({
    holdsReadiness: true,
    close: () => app.close(),
    describe: routeOf,
    ...(logger ? { logger } : {}),
  });
  app.decorate('bye', bye);
  binding.attach(app.server);
  addHealthRoutes(app, binding);
  rememberRequests(app);

  // Hooks, as below the root nobody calls what is overridden on this instance (T25).
  app.addHook('onListen', async () => {
    for (const server of serversOf(app)) binding.attach(server);
    binding.listening();
  });
  app.addHook('onReady', async () => {
    // Added from here it runs before Fastify's own closing step, from which on every request gets a 503 (T8).
    app.addHook('onClose', async () => {
      await binding.drain();
    });
  });
};

/** Fastify without a logger has one that says nothing: all its methods are the same empty function. */
function loggerOf(log: FastifyBaseLogger): Logger | undefined {
  return log.info === log.fatal ? undefined : log.child({ plugin: 'fastify-bye' });
}

/**
 * Ties a Fastify application to its process: drained at SIGTERM, replaced at SIGUSR1, health at `/health`, `/readyz`
 * and `/livez`. Decorates it with `bye`. `app.close()` drains this application only, and never exits.
 *
 * Register it before your own `onListen` hooks if readiness must not wait for them; the order does not matter otherwise.
 *
 * @throws {ByeError} If the application has a route of its own on a health path (`ERR_BYE_HEALTH_PATH`)
 *
 * @example
 * ```ts
 * const app = fastify();
 * await app.register(fastifyBye);
 * app.get('/', async () => 'hello');
 * await app.listen({ port: 8080 });
 * ```
 */
export const fastifyBye = fastifyPlugin(plugin, {
  fastify: '5.x',
  name: 'fastify-bye',
  decorators: {},
}) as FastifyBye;

export { Bye, ByeError, type ByeOptions, processBye, ready, valueState };
export default fastifyBye;
