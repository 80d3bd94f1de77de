/** One client connection: what is asked on it, and how it ends without losing an answer. */

import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Host } from '../host.js';
import { answerOf, detachedRequestOf, isUploading } from '../internals.js';
import { forceClose } from './force-close.js';
import { Linger } from './linger.js';

export interface Answer {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly startedAt: number;
}

export interface ConnectionParts {
  readonly host: Host;
  readonly onChange: () => void;
  /** An answer that is followed was flushed, or its client has gone. */
  readonly onAnswered: (answer: Answer) => void;
}

export class Connection {
  readonly socket: Socket;
  /** When it was accepted, or had the last answer flushed that was followed. */
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
  /** No answer was under way when we ended it. */
  #wasIdle = false;
  /** The last request was answered before all of it had come: what still comes has to be read (T21). */
  #isUploading = false;
  /** Those that are followed. */
  readonly #answers: Answer[] = [];
  #newest: Answer | undefined;
  /** Is over, though for Node it may still be the one that the connection sends. */
  #stale: ServerResponse | undefined;
  #beganAt = 0;
  readonly #parts: ConnectionParts;
  readonly #linger: Linger;

  constructor(socket: Socket, parts: ConnectionParts) {
    const { host } = parts;
    this.socket = socket;
    this.#parts = parts;
    this.#linger = new Linger(host, socket);
    this.idleSince = host.now();
  }

  /**
   * In progress, in the order their requests came, which is the order they are sent in. Who asks is told of their end:
   * from now on all of them are followed.
   */
  get answers(): readonly Answer[] {
    this.#followCurrent();
    return this.#answers;
  }

  get isIdle(): boolean {
    return this.answers.length === 0 && !this.upgraded && !this.ended && !this.isFrozen;
  }

  /** No work in progress, and none that it could still bring. */
  get isDone(): boolean {
    if (this.answers.length > 0) return false;
    return this.ended && (this.socket.destroyed || (!this.#isUploading && this.socket.writableFinished));
  }

  /** A request has come. */
  begin(now: number): void {
    this.hasAsked = true;
    this.#beganAt = now;
  }

  /** A request has come, and the end of its answer is to be told. */
  follow(response: ServerResponse, now: number): Answer {
    // What it waits behind began before it.
    if (answerOf(this.socket) !== response) this.#followCurrent();
    this.begin(now);
    return this.#add(response);
  }

  isFollowing(response: ServerResponse): boolean {
    return this.#answers.some((answer) => answer.response === response);
  }

  /** @returns false if it was not in progress any more */
  finish(answer: Answer): boolean {
    const place = this.#answers.indexOf(answer);
    if (place < 0) return false;
    this.#answers.splice(place, 1);
    this.#stale = answer.response;
    this.#isUploading = !answer.request.complete;
    this.idleSince = this.#parts.host.now();
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
    this.#isUploading ||= isUploading(this.socket);
    this.socket.once('finish', this.#parts.onChange);
    this.socket.resume();
    this.#linger.start();
    this.#parts.onChange();
  }

  /** The same for one on which nothing is asked: there is no tail of an answer to wait for. */
  endIdle(): void {
    this.#wasIdle = true;
    this.end();
  }

  /** Gives up on a client that was told to go, and takes nothing of its answer, or only keeps its side open. */
  dropIfStalled(): void {
    if (this.ended && (this.#wasIdle || this.socket.writableLength > 0)) this.socket.destroy();
  }

  forget(): void {
    this.#answers.length = 0;
    this.#linger.cancel();
  }

  /** Also the one that nobody wanted to know of when its request came. Others would wait behind it, and be known. */
  #followCurrent(): void {
    // What comes after a close is nobody's.
    if (this.upgraded || this.closing) return;
    const response = answerOf(this.socket);
    if (!response) this.#followDetached();
    else if (!response.closed && response !== this.#stale && !this.isFollowing(response)) this.#add(response);
  }

  /** For as long as the connection lives: in place of the answer that we cannot have any more, one that never ends. */
  #followDetached(): void {
    const request = detachedRequestOf(this.socket);
    if (request && !this.#answers.some((answer) => answer.request === request)) this.#add(new ServerResponse(request));
  }

  #add(response: ServerResponse): Answer {
    const answer: Answer = { request: response.req, response, startedAt: this.#beganAt };
    this.#answers.push(answer);
    this.#newest = answer;
    response.on('close', () => this.#parts.onAnswered(answer));
    return answer;
  }

  /**
   * Whether nothing came after it, and all before it are given, if not flushed. Else one more request may still be on
   * its way for as long as a handler takes, and what comes after a close is not processed.
   */
  #isLast(answer: Answer): boolean {
    if (this.#newest !== answer) return false;
    return this.#answers.every((other) => other === answer || other.response.writableEnded);
  }
}
