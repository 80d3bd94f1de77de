/** Sees every `listen()` of the process a moment before Node acts on it. */

import { tracingChannel } from 'node:diagnostics_channel';
import { type ListenOptions, Server } from 'node:net';
import { normalizeListenArguments } from '../internals.js';

export interface ListenHook {
  /** A `listen()` was called. May change the options; Node uses the same object afterwards. */
  onListen(server: Server, options: ListenOptions & { fd?: number }): void;
  /** The socket is bound and listens; `listen()` has not returned yet. Not called where binding failed or takes DNS. */
  onBound(server: Server): void;
}

interface ListenMessage {
  readonly server: Server;
  readonly options: ListenOptions & { fd?: number };
}

/**
 * Subscribes to Node's own channel, which sees https, http2, the second address of `localhost` (T10) and every framework
 * alike. Node before 20.16 and 22.3 has no such channel: there `listen` itself is wrapped.
 *
 * @returns takes the hook off again
 */
export function hookListen(hook: ListenHook): () => void {
  return hasListenChannel() ? subscribe(hook) : wrapListen(hook);
}

function subscribe({ onListen, onBound }: ListenHook): () => void {
  const { asyncStart, asyncEnd } = tracingChannel('net.server.listen');
  const onStart = (message: unknown) => {
    const { server, options } = message as ListenMessage;
    onListen(server, options);
  };
  const onEnd = (message: unknown) => onBound((message as ListenMessage).server);
  asyncStart.subscribe(onStart);
  asyncEnd.subscribe(onEnd);
  return () => {
    asyncStart.unsubscribe(onStart);
    asyncEnd.unsubscribe(onEnd);
  };
}

/** Exported for its tests, as every supported Node that tests run on has the channel. */
export function wrapListen({ onListen, onBound }: ListenHook): () => void {
  const listen = Server.prototype.listen as (...args: unknown[]) => Server;
  const wrapped = function (this: Server, ...args: unknown[]): Server {
    const { options, callback } = normalizeListenArguments(args);
    // Node throws for a server that listens already, and so that must happen before anything is claimed.
    if (!this.listening) onListen(this, options);
    const server = Reflect.apply(listen, this, callback ? [options, callback] : [options]);
    if (this.listening) onBound(this);
    return server;
  };
  Server.prototype.listen = wrapped as typeof Server.prototype.listen;
  return () => {
    if (Server.prototype.listen === wrapped) Server.prototype.listen = listen as typeof Server.prototype.listen;
  };
}

/** Asks Node itself: it publishes before it rejects options that name nothing to listen on. */
function hasListenChannel(): boolean {
  const probe = new Server();
  let seen = false;
  const remove = subscribe({
    onListen: (server) => {
      seen ||= server === probe;
    },
    onBound: () => {},
  });
  try {
    probe.listen({});
    probe.close();
  } catch {
    // Expected: ERR_INVALID_ARG_VALUE.
  } finally {
    remove();
  }
  return seen;
}
