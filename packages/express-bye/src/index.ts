/** express-bye: stop or replace an Express service while people use it. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AppBinding, Bye, ByeError, type ByeOptions, processBye, ready, valueState } from 'bye-core';
import { requireFreePaths, routeOf } from './routes.js';

/** Options of `expressBye(app, options)`: those of bye-core, and the instance to use. */
export interface ExpressByeOptions extends ByeOptions {
  /** Share or inject an instance. @defaultValue `processBye()` with the other options */
  bye?: Bye;
}

/** What is used of an Express application, 4 and 5 alike. */
export interface ExpressLike {
  // biome-ignore lint/suspicious/noExplicitAny: Express's own signature has six overloads
  listen(...args: any[]): Server;
}

interface ExpressInternals {
  handle(request: IncomingMessage & { baseUrl?: string }, response: ServerResponse, next?: unknown): unknown;
  readonly parent?: ExpressLike;
  on(event: 'mount', listener: (parent: ExpressLike) => void): unknown;
}

const bindings = new WeakMap<object, AppBinding>();

/**
 * Ties an Express application to its process: drained at SIGTERM, replaced at SIGUSR1, health at `/health`, `/readyz`
 * and `/livez` in front of every middleware. Patches the application in place, so it stays the same function; `listen`
 * keeps its signature and returns the `http.Server`. A second call changes nothing.
 *
 * An application that is mounted on another ties that one too, as it is the outermost that listens. A server made with
 * `http.createServer(app)` is not seen here: pass it to `bye.attach(server)`.
 *
 * @throws {TypeError} If `app` is no Express application
 * @throws {ByeError} From `listen`, if the application has a route of its own on a health path (`ERR_BYE_HEALTH_PATH`)
 *
 * @example
 * ```ts
 * const app = express();
 * app.get('/', (req, res) => res.send('hello'));
 * expressBye(app).listen(8080);
 * ```
 */
export function expressBye<App extends ExpressLike>(app: App, { bye: given, ...options }: ExpressByeOptions = {}): App {
  if (!isExpress(app)) {
    throw new TypeError('expressBye() takes an Express application: pass what express() returned');
  }
  if (bindings.has(app)) return app;
  const bye = given ?? processBye(options);
  const binding = bye.bindApp({ describe: routeOf });
  bindings.set(app, binding);

  const internals = app as unknown as ExpressInternals;
  const { handle } = internals;
  internals.handle = function (this: unknown, request, response, next) {
    // Below the path of a mounted application, `/health` is its own.
    if (!request.baseUrl && binding.handleHealth(request, response)) return undefined;
    return Reflect.apply(handle, this, [request, response, next]);
  };
  const { listen } = app;
  app.listen = function (this: unknown, ...args: unknown[]): Server {
    requireFreePaths(app, binding);
    // Express's own, as each major version treats the callback and errors in its own way (T29).
    const server: Server = Reflect.apply(listen, this, args);
    binding.attach(server);
    return server;
  } as App['listen'];
  if (internals.parent) expressBye(internals.parent, { bye });
  internals.on('mount', (parent) => void expressBye(parent, { bye }));
  return app;
}

function isExpress(app: unknown): boolean {
  return typeof app === 'function' && 'listen' in app && 'handle' in app;
}

export { Bye, ByeError, type ByeOptions, processBye, ready, valueState };
export default expressBye;
