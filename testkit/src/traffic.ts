/** Owns a load on one server: clients that keep connections, clients that do not, and their common count. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from './connect.js';
import type { Answer } from './exchange.js';
import { StrictFailure } from './failure.js';
import { createRandom, type Random } from './random.js';
import type { RequestSpec } from './request.js';
import { StrictConnection } from './strict-connection.js';
import { Tally, type TrafficCounts } from './tally.js';
import { createMix, type TrafficMix } from './traffic-mix.js';
import { until } from './until.js';

/** A load. */
export interface TrafficOptions {
  /** A function is asked at each connection. */
  readonly target: Target | (() => Target);
  /** Clients that use a connection until the server says close or closes it. @defaultValue 32 */
  readonly keepAliveClients?: number;
  /** Clients that open a connection per request; every other request says `Connection: close`. @defaultValue 8 */
  readonly freshClients?: number;
  /** Shares and sizes; or what a client asks next. */
  readonly mix?: Partial<TrafficMix> | ((random: Random) => RequestSpec);
  /** Mean time between an answer and the next request of a client. @defaultValue 5 */
  readonly thinkMs?: number;
  /**
   * Keep-alive clients send this share of their requests pipelined, up to `depth` at once. With more than one piece a
   * server that says `Connection: close` loses by the rules what it has not received yet: only for servers that do not
   * drain, or that move their connections.
   * @defaultValue none
   */
  readonly pipelined?: { readonly share: number; readonly depth: number; readonly pieces?: number };
  /** Time without progress after which a request has failed. @defaultValue 30000 */
  readonly timeoutMs?: number;
  /** @defaultValue 1 */
  readonly seed?: number;
  /** When it aborts no client opens a connection any more. */
  readonly noNewConnectionsAfter?: AbortSignal;
}

/** A load that runs. */
export interface Traffic {
  counts(): TrafficCounts;
  /** @returns the local ports of the connections that are open, in the order in which they were opened */
  localPorts(): readonly number[];
  /**
   * From now on no client opens a connection; one whose connection is closed ends quietly.
   * @returns once each open connection has had an answer, so that the server has surely accepted it
   */
  stopConnecting(): Promise<void>;
  /** Resolves once every client has ended: after `stop()`, or `stopConnecting()` and the end of all connections. */
  readonly finished: Promise<TrafficCounts>;
  /** Lets each client finish the request it is at. */
  stop(): Promise<TrafficCounts>;
}

/** Starts a load. */
export function startTraffic(options: TrafficOptions): Traffic {
  const clients = new Clients(options);
  options.noNewConnectionsAfter?.addEventListener('abort', () => clients.forbidConnecting(), { once: true });
  const { keepAliveClients = 32, freshClients = 8, seed = 1 } = options;
  const random = createRandom(seed);
  const running: Promise<void>[] = [];
  for (let index = 0; index < keepAliveClients; index++) running.push(clients.runKeepAlive(random.fork()));
  for (let index = 0; index < freshClients; index++) running.push(clients.runFresh(random.fork()));
  const finished = Promise.all(running).then(() => clients.counts());
  return {
    counts: () => clients.counts(),
    localPorts: () => clients.localPorts(),
    stopConnecting: () => clients.stopConnecting(),
    finished,
    stop: () => {
      clients.stopping = true;
      return finished;
    },
  };
}

class Clients {
  stopping = false;
  readonly #options: TrafficOptions;
  readonly #next: (random: Random) => RequestSpec;
  readonly #tally = new Tally();
  readonly #open = new Set<StrictConnection>();
  #connecting = 0;
  #running = 0;
  #mayConnect = true;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#next = typeof options.mix === 'function' ? options.mix : createMix(options.mix);
  }

  counts(): TrafficCounts {
    return this.#tally.counts(this.#running);
  }

  localPorts(): number[] {
    return [...this.#open].flatMap(({ localPort }) => localPort ?? []);
  }

  forbidConnecting(): void {
    this.#mayConnect = false;
  }

  async stopConnecting(): Promise<void> {
    this.forbidConnecting();
    const isAccepted = (connection: StrictConnection): boolean => connection.answered > 0;
    await until(() => this.#connecting === 0 && [...this.#open].every(isAccepted), {
      everyMs: 5,
      timeoutMs: this.#options.timeoutMs ?? 30_000,
      what: 'each open connection has had an answer',
    });
  }

  async runKeepAlive(random: Random): Promise<void> {
    this.#running++;
    let connection: StrictConnection | undefined;
    for (let connections = 0; !this.stopping; ) {
      if (connection?.usable !== true) {
        this.#release(connection);
        if (!this.#mayConnect) break;
        connection = await this.#connect();
        if (connection !== undefined && connections++ > 0) this.#tally.reconnected();
        continue;
      }
      await Promise.all(this.#send(connection, random).map((answer) => this.#count(answer)));
      await this.#think(random);
    }
    connection?.destroy();
    this.#running--;
  }

  async runFresh(random: Random): Promise<void> {
    this.#running++;
    for (let requests = 0; !this.stopping && this.#mayConnect; requests++) {
      const connection = await this.#connect();
      if (connection === undefined) continue;
      const close = requests % 2 === 0;
      await this.#count(connection.request({ ...this.#spec(random), close }));
      this.#release(connection);
      await this.#think(random);
    }
    this.#running--;
  }

  async #connect(): Promise<StrictConnection | undefined> {
    const { target } = this.#options;
    this.#connecting++;
    try {
      const connection = await StrictConnection.open(typeof target === 'function' ? target() : target);
      this.#tally.connected();
      this.#open.add(connection);
      void connection.closed.then((info) => {
        this.#open.delete(connection);
        this.#tally.closed(info);
      });
      return connection;
    } catch (error) {
      this.#tally.sent();
      this.#tally.failed(error as StrictFailure);
      await delay(20); // a client that is refused again and again shall not eat the processor
      return undefined;
    } finally {
      this.#connecting--;
    }
  }

  /** The connection is used no more; what the server still does on it is looked at until it has closed as well. */
  #release(connection: StrictConnection | undefined): void {
    if (connection === undefined) return;
    connection.end();
    setTimeout(() => connection.destroy(), 1000).unref();
  }

  #send(connection: StrictConnection, random: Random): Promise<Answer>[] {
    const { share, depth, pieces = 1 } = this.#options.pipelined ?? { share: 0, depth: 1 };
    if (random.next() >= share) return [connection.request(this.#spec(random))];
    const specs = Array.from({ length: 2 + random.integer(Math.max(1, depth - 1)) }, () => this.#spec(random));
    return connection.pipeline(specs, { pieces, integer: random.integer });
  }

  #spec(random: Random): RequestSpec {
    const { timeoutMs } = this.#options;
    return { ...this.#next(random), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  }

  async #count(answer: Promise<Answer>): Promise<void> {
    this.#tally.sent();
    try {
      this.#tally.answered(await answer);
    } catch (error) {
      if (error instanceof StrictFailure) this.#tally.failed(error);
      else this.#tally.notSent();
    }
  }

  async #think(random: Random): Promise<void> {
    const { thinkMs = 5 } = this.#options;
    if (thinkMs > 0) await delay(random.next() * 2 * thinkMs);
  }
}
