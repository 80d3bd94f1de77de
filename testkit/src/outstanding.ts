/** Owns the requests of one connection that wait for their answers, in order, and gives each answer to its request. */
import { type AnswerHead, AnswerParser, type Headers, saysClose } from './answer-parser.js';
import type { Exchange } from './exchange.js';
import { type FailureClass, type FailureContext, StrictFailure } from './failure.js';
import { methodOf } from './request.js';

/** What an outstanding request wants of its connection. */
export interface OutstandingOptions {
  /** @returns age and port of the connection, for failures */
  readonly describe: () => Pick<FailureContext, 'connectionAgeMs' | 'localPort'>;
  /** Stop reading for a while: the request asked to be read slowly. */
  readonly pauseFor: (ms: number) => void;
}

/** The queue of requests that were written and not answered yet. */
export class Outstanding {
  /** Answers that arrived whole. */
  answered = 0;
  /** The server said `Connection: close`. */
  saidClose = false;
  /** Bytes came that no request had asked for. */
  failure: StrictFailure | undefined;

  readonly #options: OutstandingOptions;
  readonly #queue: Exchange[] = [];
  readonly #parser: AnswerParser;

  constructor(options: OutstandingOptions) {
    this.#options = options;
    this.#parser = new AnswerParser({
      method: () => (this.#queue[0] === undefined ? undefined : methodOf(this.#queue[0].spec)),
      onInterim: (head) => this.#queue[0]?.interim(head),
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#onBody(bytes),
      onEnd: (trailers) => this.#onAnswer(trailers),
    });
  }

  get length(): number {
    return this.#queue.length;
  }

  add(exchange: Exchange): void {
    this.#queue.push(exchange);
  }

  /** @throws {MalformedAnswer} If the bytes are no answer; the connection cannot be read any further. */
  receive(bytes: Buffer): void {
    this.#parser.push(bytes);
  }

  /** The server closed. What is still outstanding has failed. */
  endOfStream(): void {
    this.#parser.finish();
    this.fail(this.#parser.inAnswer ? 'truncated' : 'eof-before-answer', 'the server closed the connection');
  }

  /** The connection is lost: the first outstanding request failed like this; those behind it never saw their answer begin. */
  fail(failure: FailureClass, what: string, cause?: unknown): void {
    if (failure === 'unexpected-data') this.failure ??= new StrictFailure(failure, what, this.#context(), cause);
    for (const [place, exchange] of this.#queue.splice(0).entries()) {
      const own = place > 0 && failure === 'truncated' ? 'eof-before-answer' : failure;
      exchange.fail(own, what, this.#context(exchange), cause);
    }
  }

  /** The client itself gives up what is outstanding. */
  drop(why: string): void {
    for (const exchange of this.#queue.splice(0)) exchange.drop(why);
  }

  #onHead(head: AnswerHead): void {
    const exchange = this.#queue[0];
    if (saysClose(head.headers)) this.saidClose = true;
    exchange?.head(head);
    const pauseMs = exchange?.spec.slowRead?.pauseMs ?? 0;
    if (pauseMs > 0) this.#options.pauseFor(pauseMs);
  }

  #onBody(bytes: Buffer): void {
    const exchange = this.#queue[0];
    exchange?.body(bytes);
    const rate = exchange?.spec.slowRead?.bytesPerSecond;
    if (rate !== undefined) this.#options.pauseFor((bytes.length / rate) * 1000);
  }

  #onAnswer(trailers: Headers): void {
    const exchange = this.#queue.shift();
    if (exchange === undefined) return;
    this.answered++;
    exchange.complete(trailers, this.#context(exchange));
  }

  #context(exchange?: Exchange): FailureContext {
    return {
      ...this.#options.describe(),
      method: exchange === undefined ? 'nothing' : methodOf(exchange.spec),
      path: exchange?.spec.path ?? '-',
      bytesGot: (exchange?.bytesGot ?? 0) + this.#parser.heldBytes,
      requestIndex: exchange?.index ?? this.answered,
      afterClose: this.saidClose,
    };
  }
}
