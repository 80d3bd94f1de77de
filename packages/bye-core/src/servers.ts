/** The servers of a service: attached ones, and those that merely listen in its process. */

import type { Server } from 'node:net';
import { kindOfServer } from './drain/create-drain.js';
import { ServerDrain } from './drain/server-drain.js';
import type { GoodbyeHooks } from './goodbye.js';
import type { Health } from './health.js';
import type { Host } from './host.js';
import { tapServer } from './server-tap.js';
import type { CutWork, DescribeRequest, ServerRole } from './types.js';

export interface ServersParts {
  readonly host: Host;
  readonly health: Health;
  readonly goodbye: GoodbyeHooks;
  /** How long idle connections keep when the application closes a server itself. */
  readonly graceMs: () => number;
  /** Whether a listener that opens now is wanted: not any more once a stop has begun. */
  readonly mayListen: () => boolean;
  /** An attached server of the application listens. */
  readonly onListening: (server: Server) => void;
  /** Another one listens, of which nobody has said what it is. */
  readonly onUnattached: (server: Server) => void;
  /** A listener was closed. */
  readonly onSoftClose: (server: Server) => void;
}

interface Entry {
  readonly drain: ServerDrain;
  role: ServerRole;
  describe: DescribeRequest;
  /** Attached by the application: it answers health requests, and counts for readiness. */
  isAttached: boolean;
}

export class Servers {
  readonly #parts: ServersParts;
  /** Those that listen, or have not begun to. */
  readonly #entries = new Map<Server, Entry>();
  /** Also those that are closed: they may listen again, and are tapped once for good. */
  readonly #known = new WeakMap<Server, Entry>();

  constructor(parts: ServersParts) {
    this.#parts = parts;
  }

  /** Attaches a server; again with another role or name for requests, and the later word counts. */
  attach(server: Server, role: ServerRole, describe: DescribeRequest = describeRequest): void {
    const entry = this.#known.get(server) ?? this.#add(server);
    const wasListening = entry.isAttached && entry.role === 'app';
    Object.assign(entry, { role, describe, isAttached: true });
    if (server.listening && !wasListening && role === 'app') this.#parts.onListening(server);
  }

  /**
   * A server that the application did not attach, seen as it begins to listen: it is drained with the 'admin' ones, but
   * nothing of it is answered here. A raw `net.Server` is left alone, as nobody knows when its connections are done.
   */
  notice(server: Server): void {
    if (!this.#known.has(server) && kindOfServer(server) !== 'raw') this.#add(server);
  }

  /** Those that merely listen are the application's, too; what they answer to health requests stays theirs. */
  takeAll(): void {
    for (const [server, entry] of this.#entries) {
      if (entry.isAttached || entry.role === 'app' || !server.listening) continue;
      entry.role = 'app';
      this.#parts.onListening(server);
    }
  }

  get inFlight(): number {
    return this.#sum(({ inFlight }) => inFlight);
  }

  get connections(): number {
    return this.#sum(({ connectionCount }) => connectionCount);
  }

  drains(role?: ServerRole): ServerDrain[] {
    return [...this.#entries.values()]
      .filter((entry) => role === undefined || entry.role === role)
      .map(({ drain }) => drain);
  }

  drainOf(server: Server): ServerDrain | undefined {
    return this.#entries.get(server)?.drain;
  }

  listWork(): CutWork[] {
    return this.drains().flatMap((drain) => drain.listWork());
  }

  #add(server: Server): Entry {
    const { host, health, goodbye, graceMs, onListening, onUnattached, onSoftClose } = this.#parts;
    const drain: ServerDrain = new ServerDrain(server, {
      host,
      graceMs,
      intercept: (request, response) => entry.isAttached && health.handle(request, response),
      isEndless: (response) => goodbye.isEndless(response),
      offerGoodbye: (farewell, otherwise) => goodbye.offer(farewell, otherwise),
      describe: (request) => entry.describe(request),
      onSoftClose: () => onSoftClose(server),
      onClosed: () => this.#entries.delete(server),
    });
    const entry: Entry = { drain, role: 'admin', describe: describeRequest, isAttached: false };
    tapServer(server).on('listening', () => {
      this.#entries.set(server, entry);
      // A stop while the application boots: its listen() comes late, and nothing would ever close it (T11).
      if (!this.#parts.mayListen()) drain.softClose();
      else if (!entry.isAttached) onUnattached(server);
      else if (entry.role === 'app') onListening(server);
      return false;
    });
    this.#known.set(server, entry);
    this.#entries.set(server, entry);
    return entry;
  }

  #sum(count: (drain: ServerDrain) => number): number {
    return this.drains().reduce((total, drain) => total + count(drain), 0);
  }
}

/** Method and path; never the query, which may carry secrets. */
export const describeRequest: DescribeRequest = ({ method, url = '' }) => {
  const end = url.search(/[?#]/);
  return `${method} ${end < 0 ? url : url.slice(0, end)}`;
};
