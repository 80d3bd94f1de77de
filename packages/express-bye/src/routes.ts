/** What an Express application says of its routes. */

import type { IncomingMessage } from 'node:http';
import type { AppBinding } from 'bye-core';

interface Layer {
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
}

interface Router {
  readonly stack?: readonly Layer[];
}

/** @throws {ByeError} If the application has a GET route on a health path (`ERR_BYE_HEALTH_PATH`) */
export function requireFreePaths(app: object, binding: AppBinding): void {
  for (const { route } of routerOf(app)?.stack ?? []) {
    if (!route?.methods['get']) continue;
    for (const path of [route.path].flat()) {
      if (typeof path === 'string' && binding.healthPaths.includes(path)) throw binding.pathTaken(path);
    }
  }
}

/** Express 4 throws at `app.router`, which is where Express 5 has it. */
function routerOf(app: object): Router | undefined {
  const { _router } = app as { _router?: Router };
  if (_router) return _router;
  try {
    return (app as { router?: Router }).router;
  } catch {
    return undefined;
  }
}

/** @returns the pattern of the route that answers, such as `GET /users/:id` */
export function routeOf(request: IncomingMessage): string | undefined {
  const { route, baseUrl = '', method } = request as IncomingMessage & { route?: { path: unknown }; baseUrl?: string };
  return typeof route?.path === 'string' ? `${method} ${baseUrl}${route.path}` : undefined;
}
