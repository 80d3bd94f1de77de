/**
 * One WebSocket of the application's, whatever library speaks it: bye follows what the library writes, and puts a close
 * frame behind it.
 */

import type { Socket } from 'node:net';
import { callBack } from '../endless/swallow.js';
import { closeFrame, FrameBoundaries } from './frames.js';
import { Handshake } from './handshake.js';

type Write = (chunk: unknown, encoding?: unknown, callback?: unknown) => boolean;
type End = (...args: unknown[]) => Socket;

export interface WebSocketEvents {
  /** The application accepted or refused it. */
  onAnswered(): void;
  /** The application has closed its side. */
  onEnd(): void;
}

export class WebSocketWrites {
  readonly #socket: Socket;
  readonly #events: WebSocketEvents;
  readonly #write: Write;
  readonly #handshake = new Handshake();
  readonly #frames = new FrameBoundaries();
  /** What to say as soon as it may be said. */
  #closeCode: number | undefined;
  /** The close frame is written, and nothing may follow it (RFC 6455, 5.5.1). */
  #isClosed = false;

  constructor(socket: Socket, events: WebSocketEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#write = socket.write as Write;
    const end = socket.end as End;
    socket.write = ((...args: Parameters<Write>) => this.#onWrite(args)) as Socket['write'];
    socket.end = ((...args: unknown[]) => {
      const [last] = args.slice(-1);
      const rest = this.#isClosed && typeof last === 'function' ? [last] : [];
      Reflect.apply(end, socket, this.#isClosed ? rest : args);
      events.onEnd();
      return socket;
    }) as Socket['end'];
  }

  /** The application has not answered the handshake yet. */
  get isPending(): boolean {
    return this.#handshake.accepted === undefined && this.#socket.writable;
  }

  /** The application accepted it, and can still write. */
  get isOpen(): boolean {
    return this.#handshake.accepted === true && this.#socket.writable;
  }

  /** Writes a close frame, now or when the 101 and the frame that is being written are complete. */
  close(code: number): void {
    this.#closeCode ??= code;
    this.#closeIfPossible();
  }

  #onWrite([chunk, encoding, callback]: Parameters<Write>): boolean {
    if (this.#isClosed) {
      callBack([encoding, callback]);
      return true;
    }
    const more = Reflect.apply(this.#write, this.#socket, [chunk, encoding, callback]);
    this.#follow(chunk, encoding);
    return more;
  }

  #follow(chunk: unknown, encoding: unknown): void {
    if (typeof chunk === 'string') this.#followText(chunk, typeof encoding === 'string' ? encoding : 'utf8');
    else if (chunk instanceof Uint8Array) this.#followBytes(chunk);
    this.#closeIfPossible();
  }

  #followText(text: string, encoding: string): void {
    const length = Buffer.byteLength(text, encoding as BufferEncoding);
    if (length <= this.#frames.payloadLeft) this.#frames.skip(length);
    else this.#followBytes(Buffer.from(text, encoding as BufferEncoding));
  }

  #followBytes(bytes: Uint8Array): void {
    const wasAnswered = this.#handshake.accepted !== undefined;
    const frames = wasAnswered ? bytes : this.#handshake.push(bytes);
    if (this.#handshake.accepted) this.#frames.push(frames);
    if (wasAnswered || this.#handshake.accepted === undefined) return;
    // A turn later, so that a library that greets with its first frames has done so.
    setImmediate(() => this.#events.onAnswered());
  }

  #closeIfPossible(): void {
    if (this.#closeCode === undefined || this.#isClosed || !this.#handshake.accepted) return;
    if (!this.#frames.isBetweenFrames || this.#frames.hasClosed || !this.#socket.writable) return;
    this.#isClosed = true;
    Reflect.apply(this.#write, this.#socket, [closeFrame(this.#closeCode)]);
  }
}
