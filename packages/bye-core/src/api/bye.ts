/**
 * One object for a service that can be stopped and replaced while it is used.
 * Invariants: the status only goes forward; there is one stop and one upgrade at a time; a new process accepts nothing
 * before it is ready; the old one gives nothing up before that.
 */

import type { Server } from 'node:net';
import { resolveOptions } from '../options/options.js';
import { APP_STATE } from '../options/readers.js';
import type { ByeOptions } from '../options/types.js';
import type { State } from '../state/state.js';
import type { Phase, Reason, Status } from '../status.js';
import type { Tasks } from '../tasks.js';
import type { DrainReport, HealthReport, ServerRole } from '../types.js';
import type { UpgradeResult, UpgradeVerdict } from '../upgrade/upgrader.js';
import { type Hooks, hookDeadline, type Parts, wireParts } from '../wiring/parts.js';
import { AppBinding, type BoundApp } from './app-binding.js';
import { Hooking } from './hooking.js';
import { obtainInstance } from './instance.js';
import { type ByeInternals, INTERNALS, notTheProcess, OBTAIN } from './internals.js';

const SCOPE = Symbol('scope');

/**
 * Stops a service without losing a request, and hands it over to its next version.
 *
 * `new Bye()` handles no signals and never exits: for tests, and for programs that decide themselves. `processBye()`
 * gives the one instance of the process, which does both.
 *
 * @example A plain server
 * ```ts
 * const bye = processBye();
 * bye.attach(createServer(handler)).listen(8080);
 * bye.onClose(() => database.end());
 * ```
 */
export class Bye extends Hooking {
  readonly #parts: Parts;

  /**
   * @throws {TypeError | RangeError} If an option is unknown or has a bad value; the message names it
   * @throws {ByeError} If a variable that overrides one is malformed (`ERR_BYE_ENVIRONMENT`)
   */
  constructor(options: ByeOptions & { [SCOPE]?: 'process' } = {}) {
    super();
    const scope = options[SCOPE] ?? 'plain';
    this.#parts = wireParts(options, scope, () => {
      // Not caught: a PID file that can't be written must not stay unnoticed.
      void this.ready();
    });
    this.#parts.process?.control.handleSignals();
    this.#parts.process?.openControlSocket();
    this.#addOptionState();
  }

  /** @internal */
  get [INTERNALS](): ByeInternals {
    const { process } = this.#parts;
    return {
      configure: (options) => {
        const { settings, hooks, host } = this.#parts;
        const asked = resolveOptions(options, 'process', host.pid);
        hooks.onSignal.check(asked);
        Object.assign(settings, asked);
        process?.control.handleSignals();
        hooks.onSignal.apply();
        process?.openControlSocket();
        this.#addOptionState();
      },
      claim: () => this.#parts.unattached.claim(),
      ports: () => process?.inherited.activatedPorts ?? [],
      reservePort: (server, port) => process?.listeners.reservePort(server, port),
    };
  }

  /** The process's one instance: the same as `processBye(options)`. */
  static withSignals(options: ByeOptions = {}): Bye {
    return Bye[OBTAIN](options);
  }

  /** @internal */
  static [OBTAIN](options: ByeOptions | undefined): Bye {
    const bye = obtainInstance<Bye>(__filename, options, {
      create: () => new Bye({ ...options, [SCOPE]: 'process' }),
      configure: (made) => made[INTERNALS].configure(options ?? {}),
    });
    if (options) bye[INTERNALS].claim();
    return bye;
  }

  #addOptionState(): void {
    const { settings, state } = this.#parts;
    if (settings.state) void state.add(APP_STATE, settings.state, "Option 'state'");
  }

  protected override get state(): State {
    return this.#parts.state;
  }

  protected override get hooks(): Hooks {
    return this.#parts.hooks;
  }

  protected override get tasks(): Tasks {
    return this.#parts.tasks;
  }

  get status(): Status {
    return this.#parts.lifecycle.status;
  }

  get phase(): Phase | undefined {
    return this.#parts.lifecycle.phase;
  }

  /** False from the first moment of a stop or of having been replaced. */
  get isRunning(): boolean {
    return this.#parts.lifecycle.isRunning;
  }

  /** 0 for a first start, one more with each upgrade. */
  get generation(): number {
    return this.#parts.generation;
  }

  /** "Look for no new work": aborted with the reason 'stop' or 'upgrade'. Work in progress goes on. */
  get signal(): AbortSignal {
    return this.#parts.lifecycle.signal;
  }

  /** Aborted at the cut, when work in progress is given up: the one to give to `fetch` inside a request. */
  get deadlineSignal(): AbortSignal {
    return this.#parts.lifecycle.deadlineSignal;
  }

  /** Resolves when the old process has exited; at once in a first start. */
  get predecessor(): Promise<void> {
    return this.#parts.process?.predecessor.gone ?? Promise.resolve();
  }

  /** Says that no new work should be looked for. Ends nothing, closes nothing, never exits. Idempotent. */
  shutdown(reason: Reason = 'stop'): void {
    void this.#parts.shutdown.announce(reason, hookDeadline(this.#parts));
  }

  /** Resolves once `shutdown()` was called and every task has ended. Does not wait for requests: see `drain()`. */
  async wait(): Promise<void> {
    await this.onShutdown();
    await this.#parts.tasks.whenEmpty();
  }

  /**
   * The whole ordered stop, without `shutdownDelayMs` and without the exit: onShutdown hooks, requests, tasks, onClose
   * hooks. Ends an upgrade under way. Never rejects; a second call joins the first.
   */
  drain(reason: Reason = 'stop'): Promise<DrainReport> {
    const { shutdown, settings, readiness, process } = this.#parts;
    process ? process.control.prepareStop() : readiness.stop();
    const report = shutdown.start({
      reason,
      delayMs: 0,
      graceMs: settings.signals ? settings.keepAliveGraceMs : 0,
      spreadMs: settings.signals ? settings.closeSpreadMs : 0,
      timeoutMs: settings.shutdownTimeoutMs,
      reserveMs: settings.closeReserveMs,
    });
    void report.then((drained) => process?.controlSocket.end(drained, false));
    return report;
  }

  /** What SIGTERM does: `drain()` with the delay, and then the exit where this instance may exit. */
  stop(): Promise<DrainReport> {
    return this.#parts.process?.control.stop() ?? this.drain('stop');
  }

  /**
   * Says that this process is ready: closes inherited listeners nobody claimed, writes the PID file, tells the old
   * process, and starts to accept, in this order. Waits for `stateLoaded` before all that. Once for each PID; later calls do nothing.
   *
   * @throws {ByeError} If the PID file can't be written (`ERR_BYE_PID_FILE`), `UPGRADE_FD` not be (`ERR_BYE_READY_PIPE`)
   */
  async ready(): Promise<void> {
    const { lifecycle, process, emit, generation, readiness, state, otherListeners } = this.#parts;
    readiness.stop();
    while (state.isLoading) await state.loaded();
    if (lifecycle.status !== 'starting') return;
    process?.announce();
    lifecycle.becomeReady();
    emit('ready', { generation, startedMs: lifecycle.uptimeMs });
    // Whoever waits for listen() may still add listeners in this turn.
    setImmediate(() => otherListeners.look());
  }

  /** `false` turns `/readyz` red and nothing else; `true` takes it back. */
  setReady(ready: boolean): void {
    const { lifecycle, emit } = this.#parts;
    if (lifecycle.setGreen(ready)) emit('readiness', { green: ready });
  }

  /** Whether `upgrade()` would be refused now, with what to do about it. */
  canUpgrade(): UpgradeVerdict {
    const upgrader = this.#parts.process?.upgrader;
    if (upgrader) return upgrader.canUpgrade();
    const { code, message } = notTheProcess();
    return { ok: false, code, message, remedy: 'Use processBye()' };
  }

  /**
   * Starts the next version, hands the listeners over when it is ready, and begins to drain. If anything goes wrong
   * before that, the new process is ended and this one serves on as if nothing had happened.
   *
   * @param options `force`: tell a predecessor that still drains to finish now
   * @throws {ByeError} If it is refused or fails: see docs/errors.md, `ERR_BYE_UPGRADE_*` and the refusals
   */
  async upgrade({ force = false }: { force?: boolean } = {}): Promise<UpgradeResult> {
    const upgrader = this.#parts.process?.upgrader;
    if (!upgrader) throw notTheProcess();
    return upgrader.upgrade(force);
  }

  /**
   * Drains a server with this service, and answers health requests on it. Works for http, https, http2 and net servers,
   * before or after `listen()`.
   *
   * @param options `role: 'admin'` for a metrics or health port, which serves until the last moment
   * @returns the same server
   */
  attach<S extends Server>(server: S, { role = 'app' }: { role?: ServerRole } = {}): S {
    if (typeof (server as Partial<Server> | undefined)?.listen !== 'function') {
      throw new TypeError('attach() takes a server of node:http, https, http2 or net: pass what app.listen() returned');
    }
    if (role !== 'app' && role !== 'admin') throw new RangeError(`A role is 'app' or 'admin': got ${role}`);
    this.#parts.servers.attach(server, role);
    return server;
  }

  /** What `/health` tells, without the checks. */
  health(): HealthReport {
    return this.#parts.report();
  }

  /** For adapters: ties a framework's application to this service. See `AppBinding`. */
  bindApp(app: BoundApp): AppBinding {
    return new AppBinding(app, this.#parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }
}
