/** Sees every `listen()` of the process a moment before Node acts on it. */

import { tracingChannel } from 'node:diagnostics_channel';
import { type ListenOptions, Server } from 'node:net';
import { normalizeListenArguments } from '../internals.js';

/** May change the options; Node uses the same object afterwards. */
export type OnListen = (server: Server, options: ListenOptions & { fd?: number }) => void;

interface ListenMessage {
  readonly server: Server;
  readonly options: ListenOptions & { fd?: number };
}

/**
 * Subscribes to Node's own channel, which sees https, http2, the second address of `localhost` and every framework
 * alike. Node before 20.16 and 22.3 has no such channel: there `listen` itself is wrapped.
 *
 * @returns takes the hook off again
 */
export function hookListen(onListen: OnListen): () => void {
  return hasListenChannel() ? subscribe(onListen) : wrapListen(onListen);
}

function subscribe(onListen: OnListen): () => void {
  const { asyncStart } = tracingChannel('net.server.listen');
  const subscriber = (message: unknown) => {
    const { server, options } = message as ListenMessage;
    onListen(server, options);
  };
  asyncStart.subscribe(subscriber);
  return () => asyncStart.unsubscribe(subscriber);
}

/** Exported for its tests, as every supported Node that tests run on has the channel. */
export function wrapListen(onListen: OnListen): () => void {
  const listen = Server.prototype.listen as (...args: unknown[]) => Server;
  const wrapped = function (this: Server, ...args: unknown[]): Server {
    const { options, callback } = normalizeListenArguments(args);
    // Node throws for a server that listens already, and so that must happen before anything is claimed.
    if (!this.listening) onListen(this, options);
    return Reflect.apply(listen, this, callback ? [options, callback] : [options]);
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
  const remove = subscribe((server) => {
    seen ||= server === probe;
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
