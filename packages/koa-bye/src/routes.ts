/** What a Koa application says of its routes: nothing, but a @koa/router among its middleware does. */

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
