/** Owns the clients of a measurement: strict ones, so that nothing is retried and nothing is forgiven. */
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, NotSent, type Random, requests, StrictConnection, type StrictFailure } from '@bye/testkit';
import { Recorder } from './recorder.js';

export const KEEP_ALIVE_CLIENTS = 64;
export const FRESH_CLIENTS = 8;

/** Mean time between an answer and the next request of a client. */
const THINK_MS = 15;
/** How long a client waits that was refused, before it asks again. */
const REFUSED_MS = 100;
const TIMEOUT_MS = 10_000;

/** Of a hundred requests; the rest ask for a few bytes at once. */
const SLOW_SHARE = 10;
const SLOW_MS = 30;
const LARGE_SHARE = 5;
const LARGE_BYTES = 128 * 1024;

const PIPELINE_DEPTH = 4;

export interface LoadOptions {
  readonly port: number;
  /** Keep-alive clients send four requests in one write. @defaultValue false */
  readonly pipelined?: boolean;
}

/** 64 clients that keep their connections and 8 that open one for each request. */
export class Load {
  readonly recorder = new Recorder();
  readonly #options: LoadOptions;
  readonly #kept: (StrictConnection | undefined)[] = [];
  readonly #running: Promise<void>[] = [];
  #isOver = false;
  #refusalEnds = false;
  #refused = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    const random = createRandom(1);
    for (let index = 0; index < KEEP_ALIVE_CLIENTS; index++) this.#running.push(this.#keep(index, random.fork()));
    for (let index = 0; index < FRESH_CLIENTS; index++) this.#running.push(this.#renew(random.fork()));
  }

  /** Connects that were refused after `letRefusalsEnd()`: no failures. */
  get refused(): number {
    return this.#refused;
  }

  /** The connections that are open now. */
  connections(): readonly (StrictConnection | undefined)[] {
    return [...this.#kept];
  }

  /** @returns how many of these connections still are the ones that their clients use */
  countSurvivors(connections: readonly (StrictConnection | undefined)[]): number {
    return this.#kept.filter((connection, index) => connection?.usable === true && connection === connections[index])
      .length;
  }

  /** From now on nobody has to listen: a client that is refused ends, and that is no failure. */
  letRefusalsEnd(): void {
    this.#refusalEnds = true;
  }

  /** Resolves when every client has ended; each has the answer, or the failure, of its last request. */
  async finished(): Promise<void> {
    await Promise.all(this.#running);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.finished();
  }

  async #keep(index: number, random: Random): Promise<void> {
    let connection: StrictConnection | undefined;
    await delay(random.next() * 2 * THINK_MS);
    while (!this.#isOver) {
      if (connection?.usable !== true) {
        connection?.end();
        connection = await this.#open();
        this.#kept[index] = connection;
        if (connection === undefined && this.#refusalEnds) return;
        continue;
      }
      const answers = this.#ask(connection, random);
      await Promise.all(answers);
      // As many requests in the same time, however many are sent at once.
      await delay(random.next() * 2 * THINK_MS * answers.length);
    }
    connection?.destroy();
  }

  async #renew(random: Random): Promise<void> {
    while (!this.#isOver) {
      const startedMs = performance.now();
      const connection = await this.#open();
      if (connection === undefined && this.#refusalEnds) return;
      if (connection === undefined) continue;
      const { spec, isTimed } = next(random);
      await this.#count(
        connection.request({ ...spec, close: random.integer(2) === 0 }),
        connection,
        startedMs,
        isTimed,
      );
      connection.end();
      setTimeout(() => connection.destroy(), 1000).unref();
      await delay(random.next() * 2 * THINK_MS);
    }
  }

  async #open(): Promise<StrictConnection | undefined> {
    try {
      const connection = await StrictConnection.open({ port: this.#options.port }, { timeoutMs: TIMEOUT_MS });
      void connection.closed.then((info) => {
        if (info.idle) this.recorder.idleCloses++;
      });
      return connection;
    } catch (error) {
      if (this.#refusalEnds) this.#refused++;
      else this.recorder.failure(error as StrictFailure, false);
      await delay(REFUSED_MS);
      return undefined;
    }
  }

  #ask(connection: StrictConnection, random: Random): Promise<void>[] {
    const startedMs = performance.now();
    if (this.#options.pipelined !== true) {
      const { spec, isTimed } = next(random);
      return [this.#count(connection.request(spec), connection, startedMs, isTimed)];
    }
    const picked = Array.from({ length: PIPELINE_DEPTH }, () => next(random));
    // Behind a slow one they all are slow.
    const areTimed = picked.every(({ isTimed }) => isTimed);
    const answers = connection.pipeline(picked.map(({ spec }) => spec));
    return answers.map((answer) => this.#count(answer, connection, startedMs, areTimed));
  }

  async #count(
    answer: ReturnType<StrictConnection['request']>,
    connection: StrictConnection,
    startedMs: number,
    isTimed: boolean,
  ): Promise<void> {
    try {
      this.recorder.answer(await answer, startedMs, isTimed);
    } catch (error) {
      if (!(error instanceof NotSent)) this.recorder.failure(error as StrictFailure, connection.answered > 0);
    }
  }
}

function next(random: Random): { readonly spec: ReturnType<typeof requests.fast>; readonly isTimed: boolean } {
  const draw = random.integer(100);
  const id = random.integer(1_000_000);
  const common = { timeoutMs: TIMEOUT_MS };
  if (draw < SLOW_SHARE) return { spec: { ...requests.slow(id, SLOW_MS), ...common }, isTimed: false };
  if (draw < SLOW_SHARE + LARGE_SHARE)
    return { spec: { ...requests.large(id % 16, LARGE_BYTES), ...common }, isTimed: false };
  return { spec: { ...requests.fast(id), ...common }, isTimed: true };
}
