/** The health endpoints: answered in front of everything the application does. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { describeError } from './errors.js';
import { type Host, pause } from './host.js';
import type { HealthSettings } from './options/health.js';
import type { HealthReport, LifecycleView } from './types.js';

/** How long a balancer should wait before it asks again, in seconds. */
const RETRY_AFTER = '1';

export interface HealthAnswer {
  readonly statusCode: 200 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HealthParts {
  readonly settings: () => HealthSettings | undefined;
  readonly host: Host;
  readonly lifecycle: LifecycleView & { readonly isGreen: boolean };
  readonly report: () => HealthReport;
}

export class Health {
  readonly #parts: HealthParts;
  #own = 0;

  constructor(parts: HealthParts) {
    this.#parts = parts;
  }

  /** The paths that are answered; none if health is off. */
  get paths(): readonly string[] {
    const settings = this.#parts.settings();
    return settings ? [settings.path, settings.readinessPath, settings.livenessPath] : [];
  }

  /** Health requests under way, which are no work of the application. */
  get ownRequests(): number {
    return this.#own;
  }

  /**
   * Answers a health request.
   *
   * @returns false, with nothing touched, for any other path or method
   */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    if (!this.owns(request.method, request.url)) return false;
    this.#own += 1;
    response.once('close', () => {
      this.#own -= 1;
    });
    void this.answer(request.url ?? '', callerOf(request)).then(({ statusCode, headers, body }) => {
      if (response.headersSent || response.destroyed) return;
      response.writeHead(statusCode, { ...headers, 'Content-Length': String(Buffer.byteLength(body)) });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
    return true;
  }

  /** Whether a request is for a health endpoint; query strings do not matter. */
  owns(method: string | undefined, url: string | undefined): boolean {
    if ((method !== 'GET' && method !== 'HEAD') || url === undefined) return false;
    const settings = this.#parts.settings();
    if (settings === undefined) return false;
    const { path, readinessPath, livenessPath } = settings;
    if (!url.startsWith('/')) return this.paths.includes(pathOf(url));
    return isAt(path, url) || isAt(readinessPath, url) || isAt(livenessPath, url);
  }

  /** What a health endpoint says now. Never rejects. */
  async answer(url: string, remoteAddress: string | undefined): Promise<HealthAnswer> {
    const { lifecycle } = this.#parts;
    const settings = this.#parts.settings();
    const path = pathOf(url);
    if (path === settings?.livenessPath)
      return toAnswer(lifecycle.status !== 'stopped', { status: statusOf(lifecycle) });
    const checks = await this.#runChecks();
    // A replaced process still answers 200: its address is healthy, the new process serves there (T22).
    const serving = lifecycle.status === 'ready' || (lifecycle.status === 'draining' && lifecycle.reason === 'upgrade');
    const ok = serving && lifecycle.isGreen && Object.values(checks).every((result) => result === 'ok');
    if (path === settings?.path && this.#showsDetails(remoteAddress)) {
      return toAnswer(ok, { ...this.#parts.report(), ...(Object.keys(checks).length > 0 ? { checks } : {}) });
    }
    return toAnswer(ok, { status: statusOf(lifecycle) });
  }

  async #runChecks(): Promise<Record<string, string>> {
    const { host } = this.#parts;
    const settings = this.#parts.settings();
    if (!settings) return {};
    const results = Object.entries(settings.checks).map(async ([name, check]) => {
      const ended = new AbortController();
      const late = pause(host, settings.checkTimeoutMs, ended.signal).then(() => 'timed out');
      const run = Promise.resolve()
        .then(() => check(ended.signal))
        .then(
          () => 'ok',
          (error: unknown) => `failed: ${describeError(error)}`,
        );
      const result = await Promise.race([run, late]);
      ended.abort();
      return [name, result] as const;
    });
    return Object.fromEntries(await Promise.all(results));
  }

  #showsDetails(remoteAddress: string | undefined): boolean {
    const details = this.#parts.settings()?.details;
    if (details !== 'loopback') return details === true;
    // No address: a unix socket, or a request injected by the process itself.
    return remoteAddress === undefined || /^(127\.|::1$|::ffff:127\.)/.test(remoteAddress);
  }
}

/** @returns no address for what a proxy forwards, as the caller may be anybody; `undefined` for a unix socket */
function callerOf({ headers, socket }: IncomingMessage): string | undefined {
  const isForwarded = headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined;
  return isForwarded ? '' : socket?.remoteAddress;
}

function statusOf({ status }: LifecycleView): HealthReport['status'] {
  return status === 'stopped' ? 'draining' : status;
}

function toAnswer(ok: boolean, body: object): HealthAnswer {
  return {
    statusCode: ok ? 200 : 503,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      ...(ok ? {} : { 'Retry-After': RETRY_AFTER }),
    },
    body: JSON.stringify(body),
  };
}

/** Whether a request target in origin form has this path. Asked of every request, so a look has to be enough for most. */
function isAt(path: string, url: string): boolean {
  if (url.length < path.length || url[1] !== path[1] || !url.startsWith(path)) return false;
  return url.length === path.length || url[path.length] === '?' || url[path.length] === '#';
}

/** The path of a request target, in origin form or absolute form (RFC 9112, 3.2). */
function pathOf(url: string): string {
  const path = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]*/i, '');
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
}
