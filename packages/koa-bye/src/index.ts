/** koa-bye: stop or replace a Koa service while people use it. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type AppBinding, Bye, ByeError, type ByeOptions, processBye, ready, valueState } from 'bye-core';
import { rememberContexts, requireFreePaths, routeOf } from './routes.js';

/** Options of `koaBye(app, options)`: those of bye-core, and the instance to use. */
export interface KoaByeOptions extends ByeOptions {
  /** Share or inject an instance. @defaultValue `processBye()` with the other options */
  bye?: Bye;
}

type RequestHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What is used of a Koa application, 2 and 3 alike. */
export interface KoaLike {
  // biome-ignore lint/suspicious/noExplicitAny: Koa's own signature has six overloads
  listen(...args: any[]): Server;
  // biome-ignore lint/suspicious/noExplicitAny: its return type differs between the majors
  callback(): (request: any, response: any) => any;
}

const bindings = new WeakMap<object, AppBinding>();

/**
 * Ties a Koa application to its process: drained at SIGTERM, replaced at SIGUSR1, health at `/health`, `/readyz` and
 * `/livez` in front of every middleware. Patches the application in place, so it stays the same object; `listen` keeps
 * its signature and returns the `http.Server`. A second call changes nothing.
 *
 * A server made with `http.createServer(app.callback())` is not seen here: pass it to `bye.attach(server)`.
 *
 * @throws {TypeError} If `app` is no Koa application
 * @throws {ByeError} From `listen`, if a router of the application has a route on a health path (`ERR_BYE_HEALTH_PATH`)
 *
 * @example
 * ```ts
 * const app = new Koa();
 * app.use((ctx) => {
 *   ctx.body = 'hello';
 * });
 * koaBye(app).listen(8080);
 * ```
 */
export function koaBye<App extends KoaLike>(app: App, { bye: given, ...options }: KoaByeOptions = {}): App {
  if (!isKoa(app)) {
    throw new TypeError('koaBye() takes a Koa application: pass what new Koa() returned');
  }
  if (bindings.has(app)) return app;
  const bye = given ?? processBye(options);
  const binding = bye.bindApp({ describe: routeOf });
  bindings.set(app, binding);
  rememberContexts(app);

  const { callback, listen } = app;
  app.callback = function (this: unknown): RequestHandler {
    const handle: RequestHandler = Reflect.apply(callback, this, []);
    return (request, response) => (binding.handleHealth(request, response) ? undefined : handle(request, response));
  } as App['callback'];
  app.listen = function (this: unknown, ...args: unknown[]): Server {
    requireFreePaths(app, binding);
    const server: Server = Reflect.apply(listen, this, args);
    binding.attach(server);
    return server;
  } as App['listen'];
  return app;
}

function isKoa(app: unknown): boolean {
  return typeof app === 'object' && app !== null && 'listen' in app && 'callback' in app;
}

export { Bye, ByeError, type ByeOptions, processBye, ready, valueState };
export default koaBye;
