/** The services under test; see fixtures/service.mjs and fixtures/lab.mjs and fixtures/move.mjs for what their environment says. */

import { fileURLToPath } from 'node:url';

export const SERVICE = fileURLToPath(new URL('fixtures/service.mjs', import.meta.url));

export const IDLE = fileURLToPath(new URL('fixtures/idle.mjs', import.meta.url));

export const LAB = fileURLToPath(new URL('fixtures/lab.mjs', import.meta.url));

export const HOOKED = fileURLToPath(new URL('fixtures/hooked.mjs', import.meta.url));

/** fixtures/live.mjs: WebSockets. */
export const LIVE = fileURLToPath(new URL('fixtures/live.mjs', import.meta.url));

/** fixtures/http2.mjs. */
export const HTTP2 = fileURLToPath(new URL('fixtures/http2.mjs', import.meta.url));

export const MOVE = fileURLToPath(new URL('fixtures/move.mjs', import.meta.url));

export const TLS = fileURLToPath(new URL('fixtures/tls.mjs', import.meta.url));
