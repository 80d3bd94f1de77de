/** One server on its way out: no new connections, every answer sent, and then nothing left. */

import { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';
import type { Goodbye } from '../goodbye.js';
import type { Host } from '../host.js';
import { type ServerTap, tapServer } from '../server-tap.js';
import type { CutWork, DescribeRequest } from '../types.js';
import { emptyAcceptQueue } from './accept-queue.js';
import { createDrain } from './create-drain.js';
import { Http1Drain, type Intercept } from './http1.js';
import type { ProtocolDrain } from './protocol.js';
import { createTerminate, type Terminate } from './terminator.js';
import type { OfferGoodbye } from './upgraded.js';

export interface ServerDrainParts {
  readonly host: Host;
  readonly intercept: Intercept;
  readonly offerGoodbye: OfferGoodbye;
  readonly isEndless: (response: object) => boolean;
  readonly describe: DescribeRequest;
  /** How long idle connections may still bring a request when the application itself calls `server.close()`. */
  readonly graceMs: () => number;
  /** Called when the listener is closed, with its socket path still there. */
  readonly onSoftClose: () => void;
  /** Called when the server is closed and its last connection gone. */
  readonly onClosed: () => void;
}

type CloseCallback = (error?: Error) => void;

/**
 * Takes over `server.close()`: Node's own truncates answers that are not flushed yet (T1), cuts idle connections on
 * which a request is on its way (T3) or that have not spoken yet (T28), never ends for others (T2), and swallows a second
 * call's `close` event (T26).
 */
export class ServerDrain {
  readonly server: Server;
  readonly #parts: ServerDrainParts;
  readonly #tap: ServerTap;
  readonly #protocol: ProtocolDrain;
  readonly #terminate: Terminate;
  readonly #waiting = new Set<() => void>();
  readonly #watchers = new Set<() => void>();
  readonly #ownListeners: ReadonlySet<unknown>;
  readonly #closeCallbacks: CloseCallback[] = [];
  #state: 'unopened' | 'open' | 'closing' | 'closed';
  #accepted = 0;
  #echoes = 0;

  constructor(server: Server, parts: ServerDrainParts) {
    this.server = server;
    this.#parts = parts;
    this.#state = server.listening ? 'open' : 'unopened';
    this.#tap = tapServer(server);
    const before = new Set(server.listeners('connection'));
    this.#terminate = createTerminate(server);
    this.#ownListeners = new Set(server.listeners('connection').filter((listener) => !before.has(listener)));
    this.#protocol = createDrain(server, this.#tap, {
      ...parts,
      onChange: () => this.#wake(),
      isAwaited: () => this.#waiting.size > 0 || this.#watchers.size > 0,
    });
    this.#tap.on('connection', () => {
      this.#accepted += 1;
      for (const watch of this.#watchers) watch();
      return false;
    });
    this.#tap.on('listening', () => {
      this.#state = 'open';
      this.#protocol.reopen();
      return false;
    });
    this.#tap.on('close', () => this.#onClose());
    server.close = (callback?: CloseCallback) => this.#closeForApp(callback);
  }

  get isListening(): boolean {
    return this.server.listening;
  }

  get inFlight(): number {
    return this.#protocol.inFlight;
  }

  get connectionCount(): number {
    return this.#protocol.connectionCount;
  }

  get finished(): number {
    return this.#protocol.finished;
  }

  /**
   * Its connections, where they can move between processes: plaintext HTTP/1.1, and nobody but Node and bye had a hand in
   * them when they came. What a PROXY protocol's listener read from a connection would be missing elsewhere.
   */
  get movable(): Http1Drain | undefined {
    if (!(this.#protocol instanceof Http1Drain) || this.#protocol.carrier !== 'plain') return undefined;
    const listeners = this.server.listeners('connection');
    const isOurs = (listener: unknown) => listener === nodesListener() || this.#ownListeners.has(listener);
    return listeners.every(isOurs) ? this.#protocol : undefined;
  }

  /** Calls back, often for nothing, when a connection has come, gone, or had its last answer. @returns ends that */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /** Tells clients with their next answer to go elsewhere; goes on accepting and serving. */
  sayClose(): void {
    this.#protocol.sayClose();
  }

  /** Accepts what already waits in the kernel's queue. Requests wait meanwhile; ends within a second. */
  async emptyAcceptQueue(): Promise<void> {
    const held = this.#protocol instanceof Http1Drain ? this.#protocol.held : undefined;
    held?.hold();
    await emptyAcceptQueue(this.#parts.host, () => (this.isListening ? this.#accepted : undefined));
    held?.release();
  }

  /** Stops accepting; connections live on. Synchronous, idempotent. */
  softClose(): void {
    this.sayClose();
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    // The application, or Fastify for its second address (T4), may call close() too: that must reap nothing.
    if ('closeIdleConnections' in this.server) this.server.closeIdleConnections = () => {};
    Server.prototype.close.call(this.server);
    this.#parts.onSoftClose();
  }

  closeIdle(from: number, graceMs: number): void {
    this.#protocol.closeIdle(from, graceMs);
  }

  /** Resolves when no work is in progress and no connection could bring any. */
  whenQuiet(): Promise<void> {
    return this.#when(() => this.#protocol.isQuiet);
  }

  /** Tells WebSockets and endless answers to go, which would never end by themselves. Again with less time: the rest is told faster. */
  sayGoodbye(goodbye: Goodbye): void {
    this.#protocol.sayGoodbye(goodbye);
  }

  /** Ends what took another protocol over: it would never go idle. */
  endUpgraded(): void {
    this.#protocol.endUpgraded();
  }

  /** Gives up on clients that were told to go, and do not take what is still written to them, or keep their side open. */
  dropStalled(): void {
    this.#protocol.dropStalled();
  }

  /** What is still running, by name. */
  listWork(): CutWork[] {
    const now = this.#parts.host.now();
    return this.#protocol.work.map((work) => ({
      kind: work.kind ?? 'request',
      name: 'name' in work ? work.name : this.#parts.describe(work.request),
      ageMs: Math.round(now - work.startedAt),
    }));
  }

  /** The forced end of every connection. */
  async destroy(): Promise<void> {
    if (this.#state === 'unopened') return;
    this.softClose();
    const terminated = this.#terminate();
    this.#protocol.destroy();
    await terminated;
  }

  #closeForApp(callback?: CloseCallback): Server {
    if (this.#state === 'unopened' || (this.#state === 'open' && !this.isListening)) {
      return Object.getPrototypeOf(this.server).close.call(this.server, callback);
    }
    if (this.#state === 'closed') {
      if (callback) process.nextTick(callback);
      return this.server;
    }
    if (callback) this.#closeCallbacks.push(callback);
    if (this.#state === 'open') {
      this.softClose();
      this.closeIdle(this.#parts.host.now(), this.#parts.graceMs());
      this.sayGoodbye({ reason: 'stop', spreadMs: 0 });
      void this.#when(() => this.#protocol.hasOnlyUpgraded).then(() => this.endUpgraded());
    }
    return this.server;
  }

  /** @returns true to swallow the event: it is the echo of our own clean-up */
  #onClose(): boolean {
    if (this.#echoes > 0) {
      this.#echoes -= 1;
      return true;
    }
    if (this.#state !== 'closing') return false;
    this.#state = 'closed';
    Reflect.deleteProperty(this.server, 'closeIdleConnections');
    // Node's own close() stops the timer that checks for slow requests, which would hold this server for ever.
    this.#echoes += 1;
    Object.getPrototypeOf(this.server).close.call(this.server);
    this.#parts.onClosed();
    process.nextTick(() => {
      for (const callback of this.#closeCallbacks.splice(0)) callback();
    });
    this.#wake();
    return false;
  }

  #when(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #wake(): void {
    for (const watch of this.#watchers) watch();
    for (const check of [...this.#waiting]) check();
  }
}

let listenerOfNode: unknown;

/** The listener for 'connection' that every `http.Server` has. */
function nodesListener(): unknown {
  [listenerOfNode] = listenerOfNode === undefined ? new HttpServer().listeners('connection') : [listenerOfNode];
  return listenerOfNode;
}
