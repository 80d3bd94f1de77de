/** One HTTP/2 session on its way out: a GOAWAY, its streams, and the end of its connection. */

import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Host } from '../host.js';
import { Linger } from './linger.js';

/** How long a session that is told to go before it has brought a stream may still bring one, in milliseconds. */
const FIRST_STREAM_MS = 1000;
/** When to look whether Node has ended a session after its last stream, in milliseconds; it takes one or two. */
const ENDED_MS = 100;
/** What a server's first push would get: a session still at this number has pushed nothing. */
const FIRST_PUSH = 2;

export class Http2Session {
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #host: Host;
  #hasBegun = false;
  #open = 0;
  #isTold = false;
  /** It was told to go, or will be by itself. */
  isLeaving = false;

  /** @param socket that carries it: Node gives no way from a session to end it once the session is closed */
  constructor(session: ServerHttp2Session, socket: Socket, host: Host) {
    this.#session = session;
    this.#socket = socket;
    this.#host = host;
    session.on('stream', (stream) => {
      this.#hasBegun = true;
      this.#open += 1;
      stream.once('close', () => {
        this.#open -= 1;
        this.#ensureEnd();
      });
    });
  }

  /**
   * Sends a GOAWAY, after which Node ignores new streams, and ends the connection after the last one. What the client
   * opened before it saw that is above the last stream that it names, which makes it safe to send again. The two steps of
   * RFC 9113, 6.8, which would leave out none, are not to be had: `goaway()` with the highest stream makes Node ignore
   * new ones as well, and then nobody knows (T15).
   */
  close(): void {
    this.isLeaving = true;
    if (this.#isTold) return;
    this.#isTold = true;
    const linger = new Linger(this.#host, this.#socket);
    this.#socket.once('finish', () => linger.start());
    this.#socket.once('close', () => linger.cancel());
    this.#session.close();
    this.#ensureEnd();
  }

  /**
   * Node ends a closed session when its last stream is over and everything was written, but looks at both at moments that
   * can miss each other: then the connection stays for good, with nothing on it. `destroy()` of a closed session without
   * streams is what it would have done.
   */
  #ensureEnd(): void {
    const session = this.#session;
    if (!this.#isTold || this.#open > 0 || session.destroyed) return;
    this.#host.after(ENDED_MS, () => {
      if (this.#open > 0 || session.destroyed) return;
      const { outboundQueueSize, nextStreamID } = session.state;
      // A push that may still run is no stream that could be seen from here.
      if (nextStreamID !== FIRST_PUSH) return;
      outboundQueueSize === 0 ? session.destroy() : this.#ensureEnd();
    });
  }

  /** For one that comes during the drain: its first requests are on their way, and are answered. */
  closeAfterFirst(): void {
    this.isLeaving = true;
    if (this.#hasBegun) {
      this.close();
      return;
    }
    const timer = this.#host.after(FIRST_STREAM_MS, () => this.close(), true);
    this.#session.once('stream', () => {
      timer.cancel();
      // Those that came in the same packet are seen before.
      setImmediate(() => this.close());
    });
    this.#session.once('close', () => timer.cancel());
  }

  destroy(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }
}
