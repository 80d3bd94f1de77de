/** What every adapter does alike: a framework's application, tied to the service it runs in. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:net';
import { Deadline } from '../deadline.js';
import { ByeError } from '../errors.js';
import type { HealthAnswer } from '../health.js';
import { describeRequest } from '../servers.js';
import type { DescribeRequest, Logger } from '../types.js';
import type { Parts } from '../wiring/parts.js';

export interface BoundApp {
  /** Closes the application, after requests and tasks; called in a stop, not when the application closes itself. */
  readonly close?: () => unknown;
  /** Names a request by its route pattern; `undefined` falls back to its path. */
  readonly describe?: (request: IncomingMessage) => string | undefined;
  /** The application's logger, for an instance that was given none. */
  readonly logger?: Logger;
  /** Whether readiness waits for `listening()`; else it is the first server that listens. */
  readonly holdsReadiness?: boolean;
}

/** One application, with as many servers as its framework opens. */
export class AppBinding {
  readonly #parts: Parts;
  readonly #describe: DescribeRequest;
  readonly #servers = new Set<Server>();
  readonly #release: (hasListened: boolean) => void;
  readonly #removeHook: () => void;

  constructor({ close, describe, logger, holdsReadiness = false }: BoundApp, parts: Parts) {
    this.#parts = parts;
    const { settings } = parts;
    if (logger && !settings.hasOwnLogger) Object.assign(settings, { logger, hasOwnLogger: true });
    this.#describe = (request) => describe?.(request) ?? describeRequest(request);
    this.#release = holdsReadiness ? parts.readiness.hold() : () => {};
    this.#removeHook = close ? parts.hooks.onClose.add(() => close()) : () => {};
  }

  /** Drains a server with this application. */
  attach(server: Server): void {
    this.#servers.add(server);
    this.#parts.servers.attach(server, 'app', this.#describe);
  }

  /** The framework's `listen()` has resolved. */
  listening(): void {
    this.#release(true);
  }

  get healthPaths(): readonly string[] {
    return this.#parts.health.paths;
  }

  /** Answers a health request that reached the application without a server: by `inject`, or a server of its own. */
  handleHealth(request: IncomingMessage, response: ServerResponse): boolean {
    return this.#parts.health.handle(request, response);
  }

  answerHealth(url: string, remoteAddress: string | undefined): Promise<HealthAnswer> {
    return this.#parts.health.answer(url, remoteAddress);
  }

  /** @returns the error for a route of the application's own on a health path */
  pathTaken(path: string): ByeError {
    return new ByeError(
      'ERR_BYE_HEALTH_PATH',
      `Cannot answer health requests at ${path} as the application has a route there: rename it, move bye's with the option health: '/prefix', or turn them off with health: false`,
      { path },
    );
  }

  /**
   * The application closes itself: drains its servers and lets go of it. Never exits, never changes the status. While a
   * stop runs it waits for its turn in that.
   */
  async drain(): Promise<void> {
    const { host, servers, settings, shutdown } = this.#parts;
    await shutdown.turnToClose();
    const drains = [...this.#servers].flatMap((server) => servers.drainOf(server) ?? []);
    const startedAt = host.now();
    const deadline = new Deadline(host, settings.shutdownTimeoutMs - settings.closeReserveMs);
    const graceMs = settings.signals ? settings.keepAliveGraceMs : 0;
    for (const drain of drains) {
      drain.softClose();
      if (this.#parts.lifecycle.isRunning) drain.sayGoodbye({ reason: 'stop', spreadMs: 0 });
      // A stop or an upgrade under way has a policy of its own for idle connections.
      if (this.#parts.lifecycle.isRunning) drain.closeIdle(startedAt, graceMs);
    }
    await deadline.covers(Promise.all(drains.map((drain) => drain.whenQuiet())));
    await Promise.all(
      drains.map((drain) => {
        drain.endUpgraded();
        return drain.inFlight > 0 ? drain.destroy() : undefined;
      }),
    );
    this.detach();
  }

  detach(): void {
    this.#removeHook();
    this.#release(false);
    this.#servers.clear();
  }
}
