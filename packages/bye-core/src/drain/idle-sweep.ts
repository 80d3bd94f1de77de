/**
 * Ends connections that stay idle (T27), when they have been so for long enough: their last answer may have promised
 * keep-alive, and the next request be on its way (T7).
 */

import type { Socket } from 'node:net';
import type { Host, Timer } from '../host.js';
import type { Connection } from './connection.js';

export class IdleSweep {
  readonly #host: Host;
  readonly #connections: ReadonlyMap<Socket, Connection>;
  readonly #handshakesSince: ReadonlyMap<Socket, number>;
  #policy: { readonly from: number; readonly graceMs: number } | undefined;
  #timer: Timer | undefined;

  /** @param handshakesSince those of TLS that are in progress, by when they began: they have the same time */
  constructor(host: Host, connections: ReadonlyMap<Socket, Connection>, handshakesSince: ReadonlyMap<Socket, number>) {
    this.#host = host;
    this.#connections = connections;
    this.#handshakesSince = handshakesSince;
  }

  /** Those that were idle for `graceMs`, counted from `from` or from when they became idle, whichever is later. */
  start(from: number, graceMs: number): void {
    this.#policy = { from, graceMs };
    this.run();
  }

  /** Ends none any more, also at the next `run()`. */
  stop(): void {
    this.#policy = undefined;
    this.cancel();
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  /** Ends those that are due, and comes back when the next one is. Nothing before `start()`. */
  run(): void {
    const policy = this.#policy;
    if (!policy) return;
    this.#timer?.cancel();
    const due: Connection[] = [];
    let next = Number.POSITIVE_INFINITY;
    const now = this.#host.now();
    for (const connection of this.#connections.values()) {
      if (!connection.isIdle) continue;
      const at = Math.max(policy.from, connection.idleSince) + policy.graceMs;
      if (at <= now) due.push(connection);
      else next = Math.min(next, at);
    }
    for (const [socket, startedAt] of this.#handshakesSince) {
      const at = Math.max(policy.from, startedAt) + policy.graceMs;
      if (at <= now) socket.destroy();
      else next = Math.min(next, at);
    }
    if (due.length > 0) this.#endIfStillIdle(due);
    if (next < Number.POSITIVE_INFINITY) this.#timer = this.#host.after(next - now, () => this.run(), true);
  }

  /** Timers run before the event loop reads sockets: a request may already wait in the kernel, so let it be read (T3). */
  #endIfStillIdle(due: readonly Connection[]): void {
    const seen = new Map(due.map((connection) => [connection, connection.idleSince]));
    setImmediate(() => {
      setImmediate(() => {
        for (const [connection, idleSince] of seen) {
          if (connection.isIdle && connection.idleSince === idleSince) connection.endIdle();
        }
      });
    });
  }
}
