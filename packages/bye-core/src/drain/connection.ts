/** One client connection: what is asked on it, and how it ends without losing an answer. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Host } from '../host.js';
import { forceClose } from './force-close.js';
import { Linger } from './linger.js';

export interface Answer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startedAt: number;
}

export class Connection {
  readonly socket: Socket;
  /** In the order their requests came, which is the order they are sent in. */
  readonly answers = new Set<Answer>();
  /** When it last had nothing to do: it was accepted, or its last answer was flushed. */
  idleSince: number;
  /** Took another protocol over (WebSocket, CONNECT): none of HTTP's business any more. */
  upgraded = false;
  /** An answer said `Connection: close`, or we ended it: what still comes on it is not processed (RFC 9112, 9.6). */
  closing = false;
  /** On its way to the new process: nothing more is read here. */
  isFrozen = false;
  /** It has had a request, here or in a process before: it owes us none, and may go when it stays idle. */
  hasAsked = false;
  /** Our side is closed; we only wait for the client's. */
  ended = false;
  /** The last request was answered before all of it had come: what still comes has to be read (T21). */
  #isUploading = false;
  #newest: Answer | undefined;
  readonly #host: Host;
  readonly #onChange: () => void;
  readonly #linger: Linger;

  constructor(socket: Socket, host: Host, onChange: () => void) {
    this.socket = socket;
    this.#host = host;
    this.#onChange = onChange;
    this.#linger = new Linger(host, socket);
    this.idleSince = host.now();
  }

  get isIdle(): boolean {
    return this.answers.size === 0 && !this.upgraded && !this.ended && !this.isFrozen;
  }

  /** No work in progress, and none that it could still bring. */
  get isDone(): boolean {
    if (this.answers.size > 0) return false;
    return this.ended && (this.socket.destroyed || (!this.#isUploading && this.socket.writableFinished));
  }

  begin(answer: Answer): void {
    this.hasAsked = true;
    this.answers.add(answer);
    this.#newest = answer;
  }

  /** @returns false if it was not in progress any more */
  finish(answer: Answer): boolean {
    if (!this.answers.delete(answer)) return false;
    this.#isUploading = !answer.request.complete;
    this.idleSince = this.#host.now();
    return true;
  }

  /**
   * Makes an answer say close, if it is the last one on this connection when its headers are sent.
   *
   * @param isKept asked then: whether the connection lives on elsewhere
   */
  closeAfter(answer: Answer, isKept: () => boolean): void {
    const { response } = answer;
    if (response.headersSent) return;
    forceClose(
      response,
      // A socket that HTTP paused for back-pressure may hold requests that were not parsed yet.
      () => this.#isLast(answer) && !this.socket.isPaused() && !isKept(),
      () => {
        this.closing = true;
        // What Node calls once the answer is flushed.
        this.socket.destroySoon = () => this.end();
      },
    );
  }

  /** Sends FIN after what is still to be written, and reads on until the client has closed its side too. */
  end(): void {
    if (this.ended) return;
    this.closing = true;
    this.ended = true;
    this.socket.end();
    this.socket.once('finish', this.#onChange);
    this.socket.resume();
    this.#linger.start();
    this.#onChange();
  }

  forget(): void {
    this.answers.clear();
    this.#linger.cancel();
  }

  /**
   * Whether nothing came after it, and all before it are given, if not flushed. Else one more request may still be on
   * its way for as long as a handler takes, and what comes after a close is not processed.
   */
  #isLast(answer: Answer): boolean {
    if (this.#newest !== answer) return false;
    return [...this.answers].every((other) => other === answer || other.response.writableEnded);
  }
}
