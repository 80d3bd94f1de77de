/** A connection that moved in and is silent: how long it may be, and what must not end it before. */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Host } from '../../host.js';
import type { Connection } from '../connection.js';

/** What Node adds to `keepAliveTimeout`, where it has no option for that yet; in milliseconds. */
const KEEP_ALIVE_BUFFER_MS = 1000;

type ErrorListener = (error: Error) => void;

const errorListeners = new WeakMap<Socket, readonly ErrorListener[]>();

/** It had requests in another process, and so owes none: it may be silent for as long as any idle connection. */
export function expectSilence({ socket }: Connection): void {
  errorListeners.set(socket, socket.listeners('error') as ErrorListener[]);
}

/**
 * Whether Node only wants to end a connection as its first request is late: it would answer one that moved in with 408
 * after `headersTimeout`, long before `keepAliveTimeout` is over (M2).
 *
 * @param error of the event 'clientError', to be swallowed then
 */
export function isMereSilence(error: unknown, socket: Socket): boolean {
  const listeners = errorListeners.get(socket);
  const isLate = (error as { code?: unknown } | undefined)?.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  if (!listeners || !isLate || socket.bytesRead > 0) return false;
  // Node takes its own off before it tells.
  for (const listener of listeners) if (!socket.listeners('error').includes(listener)) socket.on('error', listener);
  return true;
}

/** Node's own timer for idle connections starts after an answer, and this one may never have one here. */
export function endIfUnused(connection: Connection, server: Server, host: Host): void {
  const { keepAliveTimeout, keepAliveTimeoutBuffer } = server as Server & { keepAliveTimeoutBuffer?: number };
  if (!keepAliveTimeout) return;
  const isUnused = () => connection.isIdle && connection.socket.bytesRead === 0 && !connection.socket.destroyed;
  host.after(keepAliveTimeout + (keepAliveTimeoutBuffer ?? KEEP_ALIVE_BUFFER_MS), () => {
    // A request may wait in the kernel (T3).
    setImmediate(() => setImmediate(() => isUnused() && connection.endIdle()));
  });
}
