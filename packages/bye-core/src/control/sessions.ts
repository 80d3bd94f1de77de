/** Requests that run: what happens meanwhile is told to each, and each gets one result. */

import type { ControlResult, DrainSummary } from '../channel/control-messages.js';
import type { Emit } from '../diagnostics.js';
import { ByeError } from '../errors.js';
import type { Host, Timer } from '../host.js';
import type { DrainReport, Logger, StatusReport } from '../types.js';
import { encodeFailure, encodeProgress, encodeSuccess, toDrainSummary, toPlainPayload } from './answer.js';
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
  /** What SIGTERM does; throws where that would not stop the service. */
  readonly stop: () => void;
  /** The client has its result. */
  readonly onFinished: (client: Client) => void;
}

type Upgraded = Pick<Extract<ControlResult, { request: 'upgrade'; ok: true }>, 'pid' | 'generation' | 'durationMs'>;

interface Session extends Asked {
  /** It succeeded, and its client waits until the old process, this one, has drained. */
  upgraded?: Upgraded;
  /** The last status that it was told. */
  told?: string;
}

export class Sessions {
  readonly #parts: SessionsParts;
  readonly #running = new Map<Client, Session>();
  #timer: Timer | undefined;
  readonly #sending = new Set<Promise<void>>();
  /** Set once this process is done. */
  #drain: DrainSummary | undefined;
  #exits = false;
  #isTelling = false;

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
    this.#finish(client, encodeFailure(dialect ?? 'bye', name, error));
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

  /**
   * The drain is over: everybody gets a result.
   *
   * @param exits whether the process ends now, and their connections with it
   * @returns resolves when they are sent
   */
  async end(report: DrainReport, exits: boolean): Promise<void> {
    const drain = toDrainSummary(report);
    this.#drain = drain;
    this.#exits = exits;
    for (const [client, session] of [...this.#running]) this.#endOne(client, session, drain);
    await Promise.all(this.#sending);
  }

  #endOne(client: Client, session: Session, drain: DrainSummary): void {
    const { request } = session.request;
    if (request === 'status') this.#tellStatus(client, session);
    else if (request === 'stop') this.#succeed(client, session, { request, drain });
    else if (session.upgraded) this.#succeed(client, session, { request, ...session.upgraded, drain });
    else {
      const reason = 'this process ends';
      const error = new ByeError('ERR_BYE_UPGRADE_ABORTED', `Cannot upgrade as ${reason}`, { pid: undefined, reason });
      this.refuse(client, error, session);
    }
  }

  async #upgrade(client: Client, force: boolean, asked: Asked): Promise<void> {
    const session = this.#begin(client, asked);
    this.#parts.emit('control-request', { request: 'upgrade' });
    try {
      const upgraded = await this.#parts.upgrade(force);
      if (asked.request.request === 'upgrade' && asked.request.wait) session.upgraded = upgraded;
      else this.#succeed(client, session, { request: 'upgrade', ...upgraded });
    } catch (error) {
      this.refuse(client, error, session);
    }
  }

  #stop(client: Client, asked: Asked): void {
    this.#begin(client, asked);
    this.#parts.emit('control-request', { request: 'stop' });
    try {
      this.#parts.stop();
    } catch (error) {
      this.refuse(client, error, asked);
      return;
    }
    // It is over, and this process may not exit.
    if (this.#drain) this.#succeed(client, asked, { request: 'stop', drain: this.#drain });
  }

  #watch(client: Client, asked: Asked): void {
    const watchers = [...this.#running.values()].filter(({ request }) => request.request === 'status');
    if (watchers.length >= MOST_WATCHERS) {
      const error = badRequest('too-many', `${MOST_WATCHERS} others watch already: close some`);
      this.refuse(client, error, asked);
      return;
    }
    this.#begin(client, asked);
    this.#tell(this.#parts.report(), false);
  }

  #tellStatus(client: Client, asked: Asked): void {
    this.#succeed(client, asked, { request: 'status', status: this.#parts.report() });
  }

  #begin(client: Client, asked: Asked): Session {
    const session = { ...asked };
    this.#running.set(client, session);
    if (this.#running.size === 1) this.#tellLater();
    return session;
  }

  #succeed(client: Client, { dialect }: Asked, result: WithoutOk<Success>): void {
    this.#finish(client, encodeSuccess(dialect, { ok: true, ...result } as Success));
  }

  #finish(client: Client, frame: Buffer): void {
    this.#running.delete(client);
    if (client.isGone) return;
    this.#parts.onFinished(client);
    const sent = client.finish(frame, this.#exits).then(() => void this.#sending.delete(sent));
    this.#sending.add(sent);
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
    queueMicrotask(() => {
      this.#isTelling = false;
      if (this.#running.size > 0) this.#tell(this.#parts.report(), true);
    });
  }

  #tellLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.host.after(STATUS_MS, () => {
      if (this.#running.size === 0) return;
      const report = this.#parts.report();
      const isBusy = report.upgrade !== undefined || report.predecessor !== undefined || report.status === 'draining';
      this.#tell(report, isBusy);
      this.#tellLater();
    });
  }

  /**
   * Leaves out who has not read the last one: it gets a newer one later.
   *
   * @param again also to those who know all of it but the time
   */
  #tell(status: StatusReport, again: boolean): void {
    const content = JSON.stringify({ ...status, uptimeMs: 0 } satisfies StatusReport);
    const frame = encodeProgress({ status });
    for (const [client, session] of this.#running) {
      if (!frame || session.dialect !== 'bye' || client.isBehind || (session.told === content && !again)) continue;
      session.told = content;
      client.send(frame);
    }
  }

  #listeners(): Client[] {
    return [...this.#running].flatMap(([client, { dialect }]) => (dialect === 'bye' ? [client] : []));
  }
}

type Success = Extract<ControlResult, { ok: true }>;
type WithoutOk<Result> = Result extends unknown ? Omit<Result, 'ok'> : never;
