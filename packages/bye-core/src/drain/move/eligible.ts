/** Which connections may go to the new process, and when. */

import type { Server } from 'node:net';
import { answerOf } from '../../internals.js';
import { type ConnectionHandle, connectionHandleOf } from '../../internals-moving.js';
import type { Connection } from '../connection.js';

/** What can be sent of a connection, at any moment of its life; `undefined` for one that has to stay. */
export function movableHandle({ socket, upgraded, closing, ended }: Connection, server: Server) {
  if (upgraded || closing || ended || socket.destroyed) return undefined;
  // Somebody of the application's reads along: what he made of it would be missing elsewhere.
  if (socket.listenerCount('data') > 1 || socket.listenerCount('readable') > 0) return undefined;
  return connectionHandleOf(socket, server);
}

/**
 * The handle, if this very moment nothing of the connection is in this process: no answer to send, no byte of it on its
 * way to the kernel, no byte that was read.
 *
 * @param isBetweenRequests what Node's parser says
 */
export function idleHandle(connection: Connection, server: Server, isBetweenRequests: boolean) {
  const { socket, answers, isFrozen } = connection;
  if (isFrozen || answers.length > 0) return undefined;
  // Of a newcomer, or one that moved in and was silent since, nothing was read: Node does not call that idle.
  if (!isBetweenRequests && socket.bytesRead > 0) return undefined;
  const handle = movableHandle(connection, server);
  return handle && isFlushed(connection, handle) ? handle : undefined;
}

/**
 * Whether it has to be kept from reading on, or it might never come to rest: its client sends the next request before it
 * has the last answer.
 */
export function neverRests({ socket, answers }: Connection): boolean {
  if (answers.length < 2 || socket.isPaused()) return false;
  return answers.every(({ request }) => request.complete);
}

function isFlushed({ socket }: Connection, handle: ConnectionHandle): boolean {
  if (socket.isPaused() || socket.readableLength > 0 || socket.readableEnded) return false;
  return !socket.writableEnded && socket.writableLength === 0 && handle.writeQueueSize === 0 && !answerOf(socket);
}
