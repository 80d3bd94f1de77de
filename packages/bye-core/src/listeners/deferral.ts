/** Adopted listeners that look open to the application but accept nothing until this process is ready. */

import type { Server } from 'node:net';
import type { Host, Timer } from '../host.js';
import { type DeferredListen, deferNextListen } from '../internals.js';

export class Deferral {
  readonly #host: Host;
  readonly #deferred = new Map<Server, DeferredListen>();
  readonly #byKey = new Map<string, Server>();
  #held: Timer | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Adopted ones, deferred or not any more, by the key that the old process has for them. */
  get byKey(): ReadonlyMap<string, Server> {
    return this.#byKey;
  }

  /** Defers the next `listen()` of this server. @param holds whether the process lives for it */
  add(server: Server, key: string, holds: boolean): void {
    this.#byKey.set(key, server);
    this.#deferred.set(server, deferNextListen(server));
    if (!holds) return;
    // A listener that is not polled keeps no event loop alive, and the process has to live until it is.
    this.#held ??= this.#host.after(Number.POSITIVE_INFINITY, () => {}, true);
  }

  /** The listener was closed, or never opened. */
  remove(server: Server): void {
    this.#deferred.delete(server);
    for (const [key, adopter] of this.#byKey) if (adopter === server) this.#byKey.delete(key);
  }

  /** All of them accept from now on. */
  end(): void {
    for (const [server, deferred] of this.#deferred) {
      const errno = deferred.start();
      if (errno < 0) server.emit('error', Object.assign(new Error(`Cannot accept: errno ${-errno}`), { errno }));
    }
    this.#deferred.clear();
    this.#held?.cancel();
  }
}
