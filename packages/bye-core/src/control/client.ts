/** One connection to the control socket: one request in, answers out, and nobody is waited for without a limit. */

import type { Socket } from 'node:net';
import { MOST_REQUEST_BYTES } from '../channel/control-messages.js';
import { FrameReader } from '../channel/frames.js';
import type { Host, Timer } from '../host.js';
import { badRequest } from './request.js';

/** For a whole request, from the connection on; in milliseconds. */
const REQUEST_MS = 10_000;
/** How long a client may take to close after its result, in milliseconds. */
const LINGER_MS = 1000;
/** Where more than this waits for a client to read, besides what the kernel holds, nothing is added but its result; in bytes. */
const MOST_UNSENT_BYTES = 256 * 1024;
/** What a client may send after its request, which nobody looks at; in bytes. */
const MOST_IGNORED_BYTES = MOST_REQUEST_BYTES;

export interface ClientParts {
  readonly host: Host;
  /** The one request, or why it is none. Not called for a client that left without a word. */
  readonly onRequest: (client: Client, request: { readonly value: unknown } | { readonly error: Error }) => void;
  /** The client has closed its side, and may still read. */
  readonly onEnd: (client: Client) => void;
  readonly onClose: (client: Client) => void;
}

export class Client {
  /** Monotonic milliseconds. */
  readonly since: number;
  readonly #socket: Socket;
  readonly #parts: ClientParts;
  readonly #reader = new FrameReader(MOST_REQUEST_BYTES);
  #stage: 'asking' | 'asked' | 'answered' = 'asking';
  #timer: Timer;
  #ignoredBytes = 0;

  constructor(socket: Socket, parts: ClientParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.since = parts.host.now();
    socket.unref();
    this.#timer = parts.host.after(REQUEST_MS, () => {
      this.#refuse(badRequest('timeout', `it was not complete after ${REQUEST_MS} ms`));
    });
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('end', () => this.#onEnd());
    // What a client that went away costs is told by 'close'.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#timer.cancel();
      parts.onClose(this);
    });
  }

  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  /** Whether what was sent last still waits for the client to read. */
  get isBehind(): boolean {
    return this.#socket.writableLength > 0;
  }

  /**
   * Leaves out what a client has no room for. It is not given up: in one turn of the event loop there may be more to
   * tell than any client could have read, and its result is still to come.
   */
  send(frame: Buffer): void {
    if (this.#stage === 'asked' && this.#socket.writableLength <= MOST_UNSENT_BYTES) this.#socket.write(frame);
  }

  /**
   * Sends the last frame and closes.
   *
   * @param closesAtExit leaves the closing to the end of this process, so that the client knows when that has come
   * @returns resolves when the kernel has it all, or the client has gone
   */
  finish(frame?: Buffer, closesAtExit = false): Promise<void> {
    if (this.#stage === 'answered' || this.#socket.destroyed) return Promise.resolve();
    this.#stage = 'answered';
    this.#timer.cancel();
    // Not at once: closing with something unread would tell the client of a reset instead.
    this.#timer = this.#parts.host.after(LINGER_MS, () => this.destroy());
    return new Promise((resolve) => {
      const sent = () => resolve();
      this.#socket.once('close', sent);
      if (!frame) this.#socket.end(sent);
      else if (closesAtExit) this.#socket.write(frame, sent);
      else this.#socket.end(frame, sent);
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#stage !== 'asking') {
      this.#ignoredBytes += chunk.length;
      if (this.#ignoredBytes > MOST_IGNORED_BYTES) this.destroy();
      return;
    }
    try {
      const values = this.#reader.push(chunk);
      if (values.length > 0) this.#ask({ value: values[0] });
    } catch (error) {
      const isLong = error instanceof RangeError;
      this.#refuse(badRequest(isLong ? 'too-long' : 'not-json', isLong ? error.message : 'it is no JSON', error));
    }
  }

  #onEnd(): void {
    if (this.#stage === 'asked') this.#parts.onEnd(this);
    if (this.#stage !== 'asking') return;
    if (this.#reader.isInside) this.#refuse(badRequest('incomplete', 'the connection ended in the middle of it'));
    // Somebody who only looked whether the socket is alive.
    else void this.finish();
  }

  #refuse(error: Error): void {
    this.#ask({ error });
  }

  #ask(request: { readonly value: unknown } | { readonly error: Error }): void {
    this.#stage = 'asked';
    this.#timer.cancel();
    this.#parts.onRequest(this, request);
  }
}
