/** Owns one client connection that repeats nothing and forgives nothing. */
import type { Socket } from 'node:net';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { connect, nameOf, type Target } from './connect.js';
import type { CloseInfo, PendingRequest, PipelineOptions } from './connection-types.js';
import { type Answer, Exchange } from './exchange.js';
import type { FailureClass } from './failure.js';
import { Outstanding } from './outstanding.js';
import { createPacer } from './pacer.js';
import { cutAtRandom, encodeBody, encodeHead, encodeRequest, type RequestSpec } from './request.js';

/**
 * A raw HTTP/1.1 client connection. A request of which one byte was written and which is not answered whole is a
 * `StrictFailure`; that the server closes while nothing is outstanding is none. It never reconnects.
 */
export class StrictConnection {
  /** Resolves once the connection has ended, whoever ended it. Never rejects. */
  readonly closed: Promise<CloseInfo>;

  readonly #socket: Socket;
  readonly #host: string;
  readonly #localPort: number | undefined;
  readonly #openedAt = performance.now();
  readonly #outstanding: Outstanding;
  #writing: Promise<void> = Promise.resolve();
  #requests = 0;
  #unusable: string | undefined;
  #endedBy: 'client' | 'server' | undefined;
  #endedIdle = false;
  #reset = false;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    this.#localPort = socket.localPort;
    this.#outstanding = new Outstanding({
      describe: () => ({ connectionAgeMs: this.ageMs, localPort: this.#localPort }),
      pauseFor: createPacer(socket).pauseFor,
    });
    socket.on('data', (bytes) => this.#onData(bytes));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onError(error));
    this.closed = new Promise((resolve) => socket.once('close', () => resolve(this.#closeInfo())));
  }

  /**
   * Connects.
   * @throws {StrictFailure} If nobody accepts (`refused`), or nothing happens within `timeoutMs` (`timeout`).
   */
  static async open(target: Target, { timeoutMs = 10_000 } = {}): Promise<StrictConnection> {
    const socket = await connect(target, timeoutMs);
    return new StrictConnection(socket, 'socketPath' in target ? 'localhost' : nameOf(target));
  }

  /** Whether a request may be written: the server has neither closed nor said that it will. */
  get usable(): boolean {
    return this.#whyUnusable() === undefined;
  }

  /** The server said `Connection: close`: nothing may be written any more. */
  get saidClose(): boolean {
    return this.#outstanding.saidClose;
  }

  /** Answers that arrived whole. */
  get answered(): number {
    return this.#outstanding.answered;
  }

  /** Requests that were written and not answered yet. */
  get outstanding(): number {
    return this.#outstanding.length;
  }

  /** By which a connection is known on both sides; `undefined` over a unix socket. */
  get localPort(): number | undefined {
    return this.#localPort;
  }

  get ageMs(): number {
    return performance.now() - this.#openedAt;
  }

  /**
   * Sends one request, after those that are still being written, and waits for its whole answer.
   * @throws {StrictFailure} If the request was written, even in part, and not answered as the description asks.
   * @throws {NotSent} If the connection was not usable, so that no byte was written.
   */
  request(spec: RequestSpec): Promise<Answer> {
    const exchange = new Exchange(spec, this.#requests++);
    this.#writing = this.#writing.then(() => this.#send(exchange));
    return exchange.answer;
  }

  /**
   * Sends all requests in one write, or in pieces cut at random places. Does not wait for `100 Continue`.
   * @returns the answers; each settles by itself, as in `request`
   */
  pipeline(specs: readonly RequestSpec[], options: PipelineOptions = {}): Promise<Answer>[] {
    const exchanges = specs.map((spec) => new Exchange(spec, this.#requests++));
    this.#writing = this.#writing.then(() => this.#sendPipeline(exchanges, options));
    return exchanges.map((exchange) => exchange.answer);
  }

  /** Begins a request of which the caller decides when how many bytes go out. Nothing else may be sent meanwhile. */
  begin(spec: RequestSpec): PendingRequest {
    const exchange = new Exchange(spec, this.#requests++);
    let unsent = encodeRequest(spec, this.#host);
    return {
      answer: exchange.answer,
      headBytes: encodeHead(spec, this.#host).length,
      get unsentBytes() {
        return unsent.length;
      },
      write: (count = unsent.length) => {
        if (!exchange.started && !this.#begin(exchange)) return;
        this.#socket.write(unsent.subarray(0, count));
        unsent = unsent.subarray(count);
        exchange.progressed();
      },
    };
  }

  /** Leaves what arrives in the kernel until `resumeReading()`. */
  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  /** Says that no request will follow (FIN). Outstanding answers may still arrive. */
  end(): void {
    this.#endedBy ??= 'client';
    this.#socket.end();
  }

  /** Gives the connection up; outstanding requests end as `NotSent`. */
  destroy(): void {
    this.#endedBy ??= 'client';
    this.#outstanding.drop('the client destroyed the connection');
    this.#socket.destroy();
  }

  #whyUnusable(): string | undefined {
    if (this.saidClose) return 'the server said "Connection: close"';
    if (this.#endedBy !== undefined) return `the ${this.#endedBy} ended the connection`;
    return this.#unusable ?? (this.#socket.writable ? undefined : 'the connection has ended');
  }

  #begin(exchange: Exchange): boolean {
    const why = this.#whyUnusable();
    if (why !== undefined) {
      exchange.drop(why);
      return false;
    }
    this.#outstanding.add(exchange);
    exchange.start(() => this.#breakOff('timeout', `no progress for ${exchange.timeoutMs} ms`));
    return true;
  }

  async #send(exchange: Exchange): Promise<void> {
    if (!this.#begin(exchange)) return;
    const { spec } = exchange;
    if (spec.expectContinue !== true && spec.slowUpload === undefined) {
      this.#socket.write(encodeRequest(spec, this.#host));
      return;
    }
    this.#socket.write(encodeHead(spec, this.#host));
    if (spec.expectContinue === true && !(await exchange.mayContinue)) {
      this.#unusable = 'a body was announced that the server did not want';
      return;
    }
    for (const piece of encodeBody(spec)) {
      if (this.saidClose || !this.#socket.writable) return;
      this.#socket.write(piece);
      exchange.progressed();
      if (spec.slowUpload !== undefined) await delay(spec.slowUpload.everyMs);
    }
  }

  async #sendPipeline(exchanges: readonly Exchange[], options: PipelineOptions): Promise<void> {
    const { pieces = 1, gapMs = 0, integer = (below) => Math.floor(Math.random() * below) } = options;
    const requests = exchanges.map(({ spec }) => encodeRequest(spec, this.#host));
    const unstarted = exchanges.map((exchange, index) => ({
      exchange,
      from: requests.slice(0, index).reduce((sum, bytes) => sum + bytes.length, 0),
    }));
    let written = 0;
    for (const piece of cutAtRandom(Buffer.concat(requests), pieces, integer)) {
      if (written > 0) await (gapMs > 0 ? delay(gapMs) : nextTurn());
      if (!this.usable) break;
      written += piece.length;
      while (unstarted[0] !== undefined && unstarted[0].from < written) this.#begin(unstarted.shift()!.exchange);
      this.#socket.write(piece);
    }
    for (const { exchange } of unstarted) exchange.drop(this.#whyUnusable() ?? 'nothing was written');
  }

  #onData(bytes: Buffer): void {
    try {
      this.#outstanding.receive(bytes);
    } catch (error) {
      this.#breakOff('unexpected-data', (error as Error).message, error);
    }
  }

  #onEnd(): void {
    this.#serverEnded();
    this.#outstanding.endOfStream();
  }

  #onError(error: NodeJS.ErrnoException): void {
    this.#reset = true;
    this.#serverEnded();
    this.#outstanding.fail('reset', error.code ?? error.message, error);
  }

  #serverEnded(): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = 'server';
    this.#endedIdle = this.#outstanding.length === 0 && !this.saidClose;
  }

  #breakOff(failure: FailureClass, what: string, cause?: unknown): void {
    this.#endedBy ??= 'client';
    this.#outstanding.fail(failure, what, cause);
    this.#socket.destroy();
  }

  #closeInfo(): CloseInfo {
    this.#outstanding.fail('reset', 'the connection is gone');
    const { answered, failure } = this.#outstanding;
    const by = this.#endedBy ?? 'server';
    return { by, idle: this.#endedIdle, reset: this.#reset, answered, ageMs: this.ageMs, failure };
  }
}
