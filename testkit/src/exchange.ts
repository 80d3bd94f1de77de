/** Owns one request and its answer while they are under way. */
import type { AnswerHead, Headers } from './answer-parser.js';
import { saysClose } from './answer-parser.js';
import type { BodyCheck } from './body-check.js';
import { type FailureClass, type FailureContext, NotSent, StrictFailure } from './failure.js';
import { methodOf, type RequestSpec } from './request.js';

/** A whole answer that is right. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly trailers: Headers;
  /** Statuses of the 1xx answers before it, such as 100. */
  readonly interim: readonly number[];
  /** Empty if the body was checked on the way and `keepBody` was not asked for. */
  readonly body: Buffer;
  readonly bodyBytes: number;
  /** From the header `x-pid`: who answered. */
  readonly pid: number | undefined;
  /** The server said `Connection: close`: nothing may be written on this connection any more. */
  readonly saidClose: boolean;
  /** From the first byte written to the last byte of the answer. */
  readonly durationMs: number;
  /** 0 for the first request of the connection. */
  readonly index: number;
}

/** One request from its first written byte to its settled promise. */
export class Exchange {
  readonly spec: RequestSpec;
  readonly index: number;
  readonly answer: Promise<Answer>;
  /** Settled by the first of: 100 Continue, the final head, the end. @returns whether the body may be sent */
  readonly mayContinue: Promise<boolean>;
  settled = false;
  started = false;
  bytesGot = 0;

  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #head: AnswerHead | undefined;
  #check: BodyCheck | undefined;
  #complaint: string | undefined;
  #bodyBytes = 0;
  readonly #body: Buffer[] = [];
  readonly #interim: number[] = [];
  #resolve!: (answer: Answer) => void;
  #reject!: (error: StrictFailure | NotSent) => void;
  #continue!: (may: boolean) => void;

  constructor(spec: RequestSpec, index: number) {
    this.spec = spec;
    this.index = index;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.answer.catch(() => {}); // whoever awaits it sees the failure; nobody has to
    this.mayContinue = new Promise((resolve) => {
      this.#continue = resolve;
    });
  }

  /** Time without progress after which the request has failed. */
  get timeoutMs(): number {
    return this.spec.timeoutMs ?? 30_000;
  }

  /** The first byte is about to be written: from here on it is answered or has failed. */
  start(onTimeout: () => void): void {
    this.started = true;
    this.#startedAt = performance.now();
    this.#timer = setTimeout(onTimeout, this.timeoutMs);
  }

  /** Something arrived or could be sent: the time without progress starts anew. */
  progressed(bytesGot = 0): void {
    this.bytesGot += bytesGot;
    if (!this.settled) this.#timer?.refresh();
  }

  interim(head: AnswerHead): void {
    this.progressed(head.bytes);
    this.#interim.push(head.status);
    if (head.status === 100) this.#continue(true);
  }

  head(head: AnswerHead): void {
    this.progressed(head.bytes);
    this.#head = head;
    this.#check = this.spec.check?.();
    this.#continue(false);
  }

  body(bytes: Buffer): void {
    this.progressed(bytes.length);
    this.#bodyBytes += bytes.length;
    this.#complaint ??= this.#check?.push(bytes);
    const keep = this.#isExpected ? (this.spec.keepBody ?? this.spec.check === undefined) : this.#bodyBytes < 1000;
    if (keep) this.#body.push(Buffer.from(bytes));
  }

  /** The last byte of the answer arrived. @returns the failure, if the answer is not a right one */
  complete(trailers: Headers, context: FailureContext): StrictFailure | undefined {
    const head = this.#head as AnswerHead;
    if (!this.#isExpected) {
      const text = Buffer.concat(this.#body)
        .toString('latin1')
        .replace(/[^\x20-\x7e]+/g, ' ')
        .slice(0, 200);
      return this.fail('bad-status', `${head.status} ${head.reason} ${text}`.trimEnd(), context);
    }
    const complaint = this.#complaint ?? this.#check?.end();
    if (complaint !== undefined) return this.fail('wrong-body', complaint, context);
    const pid = Number(head.headers.get('x-pid') ?? Number.NaN);
    this.#settle();
    this.#resolve({
      status: head.status,
      headers: head.headers,
      trailers,
      interim: this.#interim,
      body: Buffer.concat(this.#body),
      bodyBytes: this.#bodyBytes,
      pid: Number.isInteger(pid) ? pid : undefined,
      saidClose: saysClose(head.headers),
      durationMs: performance.now() - this.#startedAt,
      index: this.index,
    });
    return undefined;
  }

  fail(failure: FailureClass, what: string, context: FailureContext, cause?: unknown): StrictFailure {
    const error = new StrictFailure(failure, what, context, cause);
    this.#settle();
    this.#reject(error);
    return error;
  }

  /** The connection may not be written on any more, and no byte of this request was; or the client gives it up. */
  drop(why: string): void {
    this.#settle();
    this.#reject(new NotSent(`${methodOf(this.spec)} ${this.spec.path} was given up: ${why}`));
  }

  get #isExpected(): boolean {
    const { expectStatus = 200 } = this.spec;
    const status = this.#head?.status ?? 0;
    return typeof expectStatus === 'number' ? expectStatus === status : expectStatus.includes(status);
  }

  #settle(): void {
    this.settled = true;
    clearTimeout(this.#timer);
    this.#continue(false);
  }
}
