/** Requests that run: what happens meanwhile is told to each, and each gets one result. */

import type { ControlResult } from '../channel/control-messages.js';
import type { Emit } from '../diagnostics.js';
import { ByeError } from '../errors.js';
import type { Host, Timer } from '../host.js';
import type { DrainReport, Logger, StatusReport } from '../types.js';
import { encodeProgress, encodeResult, toDrainSummary, toFailure, toPlainPayload } from './answer.js';
import type { Client } from './client.js';
import { type Asked, badRequest } from './request.js';

/** How often a status is told while something runs, in milliseconds. */
const STATUS_MS = 500;
/** What runs for ever unless its client leaves. */
const MOST_WATCHERS = 256;

export interface SessionsParts {
  readonly host: Host;
  readonly emit: Emit;
  readonly report: () => StatusReport;
  readonly upgrade: (force: boolean) => Promise<Upgraded>;
  /** What SIGTERM does. */
  readonly stop: () => void;
  /** The client has its result. */
  readonly onFinished: (client: Client) => void;
}

type Upgraded = Pick<Extract<ControlResult, { request: 'upgrade'; ok: true }>, 'pid' | 'generation' | 'durationMs'>;

interface Session extends Asked {
  /** It succeeded, and its client waits until the old process, this one, has drained. */
  upgraded?: Upgraded;
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #running = new Map<Client, Session>();
  #timer: Timer | undefined;
  #isTelling = false;
  #lastTold = '';

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /** Hears every event as a logger does, and passes it on to who waits for something. */
  readonly witness: Logger = {
    debug: (data, message) => this.#relay(data, message),
    info: (data, message) => this.#relay(data, message),
    warn: (data, message) => this.#relay(data, message),
    error: (data, message) => this.#relay(data, message),
  };

  start(client: Client, asked: Asked): void {
    const { request } = asked;
    if (request.request === 'upgrade') void this.#upgrade(client, request.force, asked);
    else if (request.request === 'stop') this.#stop(client, asked);
    else if (request.watch) this.#watch(client, asked);
    else this.#tellStatus(client, asked);
  }

  /** A request that is none. */
  refuse(client: Client, error: unknown, { dialect, request }: Partial<Asked> = {}): void {
    const name = request?.request ?? 'unknown';
    void this.#finish(client, encodeResult(dialect ?? 'bye', toFailure(name, error), error));
  }

  /** The client has closed its side. Who watches has seen enough; any other may still read a result. */
  clientEnded(client: Client): void {
    const session = this.#running.get(client);
    if (session?.request.request === 'status') this.#tellStatus(client, session);
  }

  clientGone(client: Client): void {
    this.#running.delete(client);
    if (this.#running.size === 0) this.#timer?.cancel();
  }

  /** This process is about to end: everybody gets a result. @returns resolves when they are sent */
  async end(report: DrainReport): Promise<void> {
    const drain = toDrainSummary(report);
    const last = [...this.#running].map(([client, session]) => {
      if (session.request.request === 'status') return this.#finish(client, this.#statusResult(session));
      if (session.request.request === 'stop') return this.#succeed(client, session, { request: 'stop', drain });
      if (session.upgraded) {
        return this.#succeed(client, session, { request: 'upgrade', ...session.upgraded, drain });
      }
      const reason = 'this process ends';
      const error = new ByeError('ERR_BYE_UPGRADE_ABORTED', `Cannot upgrade as ${reason}`, { pid: undefined, reason });
      return this.#finish(client, encodeResult(session.dialect, toFailure('upgrade', error), error));
    });
    await Promise.all(last);
  }

  async #upgrade(client: Client, force: boolean, asked: Asked): Promise<void> {
    const session = this.#begin(client, asked);
    this.#parts.emit('control-request', { request: 'upgrade' });
    try {
      const upgraded = await this.#parts.upgrade(force);
      if (asked.request.request === 'upgrade' && asked.request.wait) session.upgraded = upgraded;
      else void this.#succeed(client, session, { request: 'upgrade', ...upgraded });
    } catch (error) {
      this.refuse(client, error, session);
    }
  }

  #stop(client: Client, asked: Asked): void {
    this.#begin(client, asked);
    this.#parts.emit('control-request', { request: 'stop' });
    this.#parts.stop();
  }

  #watch(client: Client, asked: Asked): void {
    const watchers = [...this.#running.values()].filter(({ request }) => request.request === 'status');
    if (watchers.length >= MOST_WATCHERS) {
      const error = badRequest('too-many', `${MOST_WATCHERS} others watch already: close some`);
      this.refuse(client, error, asked);
      return;
    }
    this.#begin(client, asked);
    this.#tell([client], this.#parts.report());
  }

  #tellStatus(client: Client, asked: Asked): void {
    void this.#finish(client, this.#statusResult(asked));
  }

  #statusResult({ dialect }: Asked): Buffer {
    return encodeResult(dialect, { ok: true, request: 'status', status: this.#parts.report() });
  }

  #begin(client: Client, asked: Asked): Session {
    const session = { ...asked };
    this.#running.set(client, session);
    if (this.#running.size === 1) this.#tellLater();
    return session;
  }

  #succeed(client: Client, { dialect }: Asked, result: WithoutOk<Extract<ControlResult, { ok: true }>>): Promise<void> {
    return this.#finish(client, encodeResult(dialect, { ok: true, ...result } as ControlResult));
  }

  #finish(client: Client, frame: Buffer): Promise<void> {
    this.#running.delete(client);
    this.#parts.onFinished(client);
    return client.finish(frame);
  }

  #relay(data: object, message: string): void {
    const { event, ...payload } = data as { event?: unknown };
    if (this.#running.size === 0 || typeof event !== 'string') return;
    const frame = encodeProgress({ event, pid: this.#parts.host.pid, message, data: toPlainPayload(payload) });
    if (frame) for (const client of this.#listeners()) client.send(frame);
    this.#tellSoon();
  }

  /** Once a turn, however many events there are, and when what they tell of has come about. */
  #tellSoon(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    setImmediate(() => {
      this.#isTelling = false;
      const listeners = this.#listeners();
      if (listeners.length > 0) this.#tell(listeners, this.#parts.report());
    });
  }

  #tellLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.host.after(STATUS_MS, () => {
      if (this.#running.size === 0) return;
      const report = this.#parts.report();
      const isBusy = report.upgrade !== undefined || report.predecessor !== undefined || report.status === 'draining';
      if (isBusy || contentOf(report) !== this.#lastTold) this.#tell(this.#listeners(), report);
      this.#tellLater();
    });
  }

  /** Leaves out who has not read the last one: it gets a newer one later. */
  #tell(clients: readonly Client[], status: StatusReport): void {
    this.#lastTold = contentOf(status);
    const frame = encodeProgress({ status });
    if (frame) for (const client of clients) if (!client.isBehind) client.send(frame);
  }

  #listeners(): Client[] {
    return [...this.#running].flatMap(([client, { dialect }]) => (dialect === 'bye' ? [client] : []));
  }
}

type WithoutOk<Result> = Result extends unknown ? Omit<Result, 'ok'> : never;

/** What makes one report differ from another, besides that time goes by. */
function contentOf(report: StatusReport): string {
  return JSON.stringify({ ...report, uptimeMs: 0 } satisfies StatusReport);
}
