/** The one ordered stop, under one budget: hooks, delay, requests, tasks, what capabilities still do, close hooks. */

import { Deadline } from './deadline.js';
import type { Emit } from './diagnostics.js';
import type { HookList } from './hooks.js';
import { type Host, pause } from './host.js';
import type { Lifecycle } from './lifecycle.js';
import type { Servers } from './servers.js';
import type { Phase, Reason } from './status.js';
import type { Tasks } from './tasks.js';
import type { CutWork, DrainReport } from './types.js';

/** How one stop differs from another; durations in milliseconds. */
export interface ShutdownPlan {
  readonly reason: Reason;
  readonly signal?: string;
  /** Serve on, with readiness red. */
  readonly delayMs: number;
  /** How long idle connections may still bring a request; `undefined` leaves them until they bring one or leave. */
  readonly graceMs: number | undefined;
  /** Over how long WebSockets are told to go; at most half of the time for requests is taken. */
  readonly spreadMs: number;
  /** The whole of it. */
  readonly timeoutMs: number;
  /** The end of it, which belongs to the close hooks. */
  readonly reserveMs: number;
}

export interface ShutdownParts {
  readonly host: Host;
  readonly lifecycle: Lifecycle;
  readonly servers: Servers;
  readonly tasks: Tasks;
  readonly onShutdown: HookList<Reason>;
  /** What capabilities still do when requests and tasks are over, within the time that is left. */
  readonly afterWork: HookList<Deadline>;
  readonly onClose: HookList<void>;
  readonly emit: Emit;
}

export class Shutdown {
  readonly #parts: ShutdownParts;
  readonly #hookErrors: unknown[] = [];
  readonly #hurried = new AbortController();
  #announced: { readonly errors: Promise<unknown[]>; readonly until: Deadline } | undefined;
  #report: Promise<DrainReport> | undefined;
  #plan: ShutdownPlan | undefined;
  #turnToClose: Promise<void> | undefined;
  #giveTurn = () => {};
  #startedAt = 0;
  #saidGoodbye = false;
  /** Until when requests and tasks may run. */
  #work: Deadline | undefined;
  /** Until when hooks may run. */
  #whole: Deadline | undefined;

  constructor(parts: ShutdownParts) {
    this.#parts = parts;
  }

  /** Epoch milliseconds of the end of the budget. */
  get untilMs(): number {
    return this.#parts.host.epochNow() + (this.#whole?.remainingMs ?? 0);
  }

  /** Announces that no new work should be looked for, once; ends nothing. */
  announce(reason: Reason, deadline: Deadline): Promise<unknown[]> {
    if (!this.#announced) {
      this.#parts.lifecycle.beginDrain(reason);
      // Requests come after them, and need time to end.
      this.#announced = { errors: this.#parts.onShutdown.runTogether(reason, deadline, 0.5), until: deadline };
    }
    return this.#announced.errors;
  }

  /** Starts the stop, or joins the one that runs. Everything up to the first wait happens in this call. */
  start(plan: ShutdownPlan): Promise<DrainReport> {
    if (!this.#report) {
      this.#plan = plan;
      this.#turnToClose = new Promise((resolve) => {
        this.#giveTurn = resolve;
      });
      this.#startedAt = this.#parts.host.now();
      this.#work = new Deadline(this.#parts.host, plan.timeoutMs - plan.reserveMs);
      this.#whole = new Deadline(this.#parts.host, plan.timeoutMs);
      this.#report = this.#run(plan, this.#work, this.#whole);
    }
    return this.#report;
  }

  /**
   * The turn of an application that closes itself while a stop runs, as others do with it that hear the same signal: after
   * requests and tasks. At once where no stop runs, or where its onShutdown hooks outlast the delay: one of them may ask.
   */
  turnToClose(): Promise<void> {
    return this.#turnToClose ?? Promise.resolve();
  }

  /** Waits for what is no part of the stop, within what is left of its budget. @returns whether it came in time */
  async covers(work: Promise<unknown>): Promise<boolean> {
    return (await this.#whole?.covers(work)) ?? false;
  }

  /** Brings the end of a running stop forward: no delay any more, and idle connections go after `graceMs`. */
  hurryIfRunning(withinMs: number, graceMs: number): void {
    if (!this.#plan) return;
    const { reserveMs } = this.#plan;
    this.#parts.emit('drain-hurried', { withinMs });
    this.#work?.shorten(Math.max(0, withinMs - reserveMs));
    this.#whole?.shorten(Math.max(withinMs, reserveMs));
    this.#announced?.until.shorten(Math.max(0, withinMs - reserveMs));
    this.#hurried.abort();
    const { servers, host } = this.#parts;
    for (const drain of servers.drains()) {
      drain.closeIdle(host.now(), graceMs);
      // Before, they were not told anything: the delay is not over.
      if (this.#saidGoodbye) drain.sayGoodbye({ reason: this.#plan.reason, spreadMs: 0 });
    }
  }

  async #run(plan: ShutdownPlan, work: Deadline, whole: Deadline): Promise<DrainReport> {
    const { host, lifecycle, servers, tasks, emit, afterWork, onClose } = this.#parts;
    emit('stop', { reason: plan.reason, signal: plan.signal });
    const announced = this.announce(plan.reason, work);
    // It may have begun before this stop, with a time of its own.
    this.#announced?.until.shorten(work.remainingMs);
    const drains = servers.drains();
    for (const drain of drains) drain.sayClose();
    if (plan.delayMs > 0) this.#enter('delay');
    void this.#yieldToHooks(announced, Math.min(plan.delayMs, work.remainingMs));
    this.#noteErrors('onShutdown', await announced);
    await pause(host, Math.min(plan.delayMs - (host.now() - this.#startedAt), work.remainingMs), this.#hurried.signal);

    this.#enter('requests');
    await work.covers(this.#closeServers(plan, work));
    this.#enter('tasks');
    await work.covers(tasks.whenEmpty());
    const cut = await this.#cut(whole);
    this.#noteErrors(afterWork.name, await afterWork.runTogether(whole, whole));

    this.#enter('hooks');
    this.#giveTurn();
    for (const drain of servers.drains('app')) {
      // What is left at the deadline: idle connections of an upgrade, clients that do not read; and clients that keep their
      // side of a connection open. app.close() would wait for them in vain.
      drain.dropStalled();
      drain.closeIdle(host.now(), 0);
      drain.endUpgraded();
    }
    this.#noteErrors('onClose', await onClose.runLastFirst(undefined, whole));
    await this.#endRest(whole);

    const report: DrainReport = {
      reason: plan.reason,
      durationMs: Math.round(host.now() - this.#startedAt),
      requestsFinished: drains.reduce((count, { finished }) => count + finished, 0),
      cut,
      hookErrors: this.#hookErrors,
    };
    lifecycle.finish();
    emit('drained', report);
    return report;
  }

  /** A hook that closes the application must not wait for a stop that waits for this hook. */
  async #yieldToHooks(announced: Promise<unknown>, delayMs: number): Promise<void> {
    let areOver = false;
    void announced.then(() => {
      areOver = true;
    });
    await pause(this.#parts.host, delayMs, this.#hurried.signal);
    await new Promise((resolve) => setImmediate(resolve));
    if (!areOver) this.#giveTurn();
  }

  async #closeServers({ reason, graceMs, spreadMs }: ShutdownPlan, work: Deadline): Promise<void> {
    // Not during the delay, when balancers would send them back here.
    this.#saidGoodbye = true;
    const goodbye = { reason, spreadMs: this.#hurried.signal.aborted ? 0 : Math.min(spreadMs, work.remainingMs / 2) };
    // The new process has the metrics port already, and a request may be on its way on connections that are left here.
    const drains = this.#parts.servers.drains(reason === 'upgrade' ? undefined : 'app');
    await Promise.all(
      drains.map(async (drain) => {
        await drain.emptyAcceptQueue();
        drain.softClose();
        drain.sayGoodbye(goodbye);
        if (graceMs !== undefined) drain.closeIdle(this.#startedAt, graceMs);
        await drain.whenQuiet();
      }),
    );
  }

  /** Gives up what still runs: tells it first, so that a request may still fail in its own way. */
  async #cut(whole: Deadline): Promise<CutWork[]> {
    const { lifecycle, servers, tasks } = this.#parts;
    const drains = servers.drains('app');
    const cut = [...drains.flatMap((drain) => drain.listWork()), ...tasks.listWork()];
    if (cut.length > 0) {
      lifecycle.cut();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await whole.covers(Promise.all(drains.filter((drain) => drain.inFlight > 0).map((drain) => drain.destroy())));
    return cut;
  }

  /** The last to serve: metrics and health ports, and then whatever connection is left. */
  async #endRest(whole: Deadline): Promise<void> {
    const { servers, host } = this.#parts;
    const drains = servers.drains();
    for (const drain of drains) {
      drain.softClose();
      drain.closeIdle(host.now(), 0);
      drain.sayGoodbye({ reason: this.#plan?.reason ?? 'stop', spreadMs: 0 });
      drain.endUpgraded();
    }
    const last = new Deadline(host, Math.min(LAST_ANSWERS_MS, whole.remainingMs));
    await last.covers(Promise.all(drains.map((drain) => drain.whenQuiet())));
    await new Deadline(host, LAST_ANSWERS_MS).covers(Promise.all(servers.drains().map((drain) => drain.destroy())));
  }

  #enter(phase: Phase): void {
    this.#parts.lifecycle.enterPhase(phase);
    this.#parts.emit('phase', { phase });
  }

  #noteErrors(hook: string, errors: readonly unknown[]): void {
    for (const error of errors) {
      this.#hookErrors.push(error);
      this.#parts.emit('hook-failed', { hook, error });
    }
  }
}

/** How long a metrics or health answer may take at the very end, in milliseconds. */
const LAST_ANSWERS_MS = 1000;
