/** The last moments of a connection that we ended: it may take what was written, and is read until its client closes. */

import type { Socket } from 'node:net';
import type { Host, Timer } from '../host.js';
import { carrierOf, queuedBytesOf } from '../internals.js';

/**
 * How long a connection that we ended may stay silent before it is destroyed. Closing a socket with unread bytes makes
 * the kernel send a reset and drop what it had not sent yet: the tail of the last answer would be lost (T21; nginx:
 * lingering_timeout).
 */
const LINGER_MS = 2000;

/** How long a connection that we ended may take nothing of what is still to be sent before it is destroyed. */
const STALLED_MS = 10_000;

export class Linger {
  readonly #host: Host;
  readonly #socket: Socket;
  #timer: Timer | undefined;

  constructor(host: Host, socket: Socket) {
    this.#host = host;
    this.#socket = socket;
  }

  /** Destroys the connection when it has come to nothing. */
  start(): void {
    // All is sent: from now on its client has only to close.
    if (!this.#socket.writableFinished) this.#socket.once('finish', () => this.#wait());
    this.#wait();
  }

  #wait(): void {
    this.#timer?.cancel();
    const before = progressOf(this.#socket);
    const patienceMs = this.#socket.writableFinished ? LINGER_MS : STALLED_MS;
    this.#timer = this.#host.after(patienceMs, () => {
      if (progressOf(this.#socket) !== before) this.#wait();
      else this.#socket.destroy();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}

/** Another text as long as bytes come or go. What TLS has encrypted waits in the socket that carries it, unseen above. */
export function progressOf(socket: Socket): string {
  const { bytesRead, bytesWritten, writableLength } = socket;
  return `${bytesRead} ${bytesWritten} ${writableLength} ${queuedBytesOf(carrierOf(socket) ?? socket)}`;
}
