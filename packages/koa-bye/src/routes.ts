/** What a Koa application says of its routes: nothing, but a @koa/router among its middleware does. */

import type { IncomingMessage } from 'node:http';
import type { AppBinding } from 'bye-core';

interface RouterLayer {
  readonly path: unknown;
  readonly methods: readonly string[];
}

interface RouterMiddleware {
  readonly router?: { readonly stack?: readonly RouterLayer[] };
}

/** @throws {ByeError} If a router has a GET route on a health path (`ERR_BYE_HEALTH_PATH`) */
export function requireFreePaths(app: object, binding: AppBinding): void {
  const { middleware = [] } = app as { middleware?: readonly RouterMiddleware[] };
  for (const { path, methods } of middleware.flatMap(({ router }) => router?.stack ?? [])) {
    if (typeof path === 'string' && methods.includes('GET') && binding.healthPaths.includes(path)) {
      throw binding.pathTaken(path);
    }
  }
}

const CONTEXT = Symbol('koa-bye.context');

type NamedMessage = IncomingMessage & { [CONTEXT]?: { _matchedRoute?: unknown } };

interface ContextMaker {
  createContext?(request: IncomingMessage, response: unknown): object;
}

/** Remembers which context belongs to which message, as the pattern is known only after routing. */
export function rememberContexts(app: object): void {
  const maker = app as ContextMaker;
  const { createContext } = maker;
  if (!createContext) return;
  maker.createContext = function (this: unknown, request, response) {
    const context: object = Reflect.apply(createContext, this, [request, response]);
    (request as NamedMessage)[CONTEXT] = context;
    return context;
  };
}

/** @returns the pattern that @koa/router matched, such as `GET /users/:id` */
export function routeOf(message: NamedMessage): string | undefined {
  const pattern = message[CONTEXT]?._matchedRoute;
  return typeof pattern === 'string' ? `${message.method} ${pattern}` : undefined;
}
