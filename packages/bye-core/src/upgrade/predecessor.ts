/** The old process, as the new one sees it: it drains, it ends, and if it does not, it is ended. */

import type { Link } from '../channel/link.js';
import { Deadline } from '../deadline.js';
import type { Emit } from '../diagnostics.js';
import { describeError } from '../errors.js';
import type { Host } from '../host.js';
import { isSameProcess } from '../proc.js';

/** How far an old process may outlive its deadline before the new one kills it, in milliseconds. */
const OVERDUE_MS = 5000;

/** How long the exit of one that has no work any more is waited for, with its close hooks; in milliseconds. */
const EXIT_MS = 1000;

/** How long it may move connections before it drains, and some more; in milliseconds. */
const MOVING_MS = 15_000;

/** What the old process said of itself in `BYE_PREDECESSOR`. */
interface Identity {
  readonly pid: number;
  readonly startTime: string;
  readonly drainTimeoutMs: number;
  /** It sends live connections first, and says when it has closed its listeners. */
  readonly moves: boolean;
  /** What of it belongs to its last steps, however soon it is told to end: handing on state, close hooks. */
  readonly reserveMs: number;
}

export interface Draining {
  readonly pid: number;
  /** Epoch milliseconds. */
  readonly untilMs: number;
  readonly waitingFor: string;
}

export class Predecessor {
  readonly #host: Host;
  readonly #emit: Emit;
  readonly #link: Link | undefined;
  readonly #identity: Identity | undefined;
  readonly #gone: Promise<void>;
  readonly #handedOver: Promise<void>;
  #noteHandedOver = () => {};
  /** Resolves if it keeps the service after all. */
  readonly #kept: Promise<void>;
  #keep: () => void = () => {};
  #isGone = false;
  /** It has handed over. Before that it serves, and nothing here may hurry or end it. */
  #isDraining = false;
  #untilMs = 0;
  #waitingFor = 'its work to end';
  /** It has neither clients nor tasks any more. */
  #isIdle = false;
  #overdue: ReturnType<Host['after']> | undefined;
  /** When it is killed, in monotonic milliseconds. */
  #overdueAt = Number.POSITIVE_INFINITY;

  constructor(link: Link | undefined, host: Host, emit: Emit) {
    this.#link = link;
    this.#host = host;
    this.#emit = emit;
    this.#identity = parseIdentity(link?.variables.BYE_PREDECESSOR);
    this.#kept = new Promise((resolve) => {
      this.#keep = resolve;
    });
    this.#gone = new Promise((resolve) => {
      if (!link || !this.#identity) {
        this.#isGone = true;
        return resolve();
      }
      link.onLost(() => {
        this.#isGone = true;
        this.#overdue?.cancel();
        resolve();
      });
    });
    this.#handedOver = new Promise((resolve) => {
      this.#noteHandedOver = resolve;
    });
    void this.#gone.then(this.#noteHandedOver);
    link?.receive((message) => {
      if (message.bye === 'taken-over' && this.#isDraining) this.#killOverdue();
      if (message.bye === 'not-taken-over') {
        this.#isDraining = false;
        this.#overdue?.cancel();
        this.#overdueAt = Number.POSITIVE_INFINITY;
        this.#keep();
      }
      if (message.bye !== 'draining') return;
      this.#noteHandedOver();
      this.#untilMs = message.untilMs;
      this.#waitingFor = message.waitingFor;
      this.#isIdle = message.idle;
    });
  }

  /** Whether it serves on after this process is ready, until it says `taken-over`. */
  get moves(): boolean {
    return !this.#isGone && this.#identity?.moves === true;
  }

  /** Resolves when it has exited; at once in the first generation. */
  get gone(): Promise<void> {
    return this.#gone;
  }

  /** Resolves when it has said that it closes its listeners, or has gone. */
  get handedOver(): Promise<void> {
    return this.#handedOver;
  }

  /** @returns `undefined` once it has gone */
  get draining(): Draining | undefined {
    const identity = this.#identity;
    if (this.#isGone || !identity || !this.#isAlive(identity)) return undefined;
    return { pid: identity.pid, untilMs: this.#untilMs, waitingFor: this.#waitingFor };
  }

  /**
   * Whether it has no work any more, and so is about to exit.
   *
   * @returns resolves when it has exited, or that takes too long; `undefined` if it has work, or has gone
   */
  get leaving(): Promise<unknown> | undefined {
    return this.#isIdle && this.draining ? new Deadline(this.#host, EXIT_MS).covers(this.#gone) : undefined;
  }

  /** This process has taken over: the old one has from now on what it was configured for. */
  startDrain(): void {
    const identity = this.#identity;
    if (!identity || this.#isGone) return;
    this.#isDraining = true;
    this.#untilMs = this.#host.epochNow() + identity.drainTimeoutMs;
    this.#emit('predecessor-draining', { predecessorPid: identity.pid, untilMs: this.#untilMs });
    this.#killOverdue(this.moves ? MOVING_MS : 0);
    void this.#gone.then(() => this.#emit('predecessor-gone', { predecessorPid: identity.pid }));
  }

  /** Tells it to finish within a time, and waits until it has; not for ever, if it cannot even be killed. */
  async finishNow(withinMs = 0): Promise<void> {
    this.hurry(withinMs);
    if (!this.#isDraining) return;
    const withReserveMs = Math.max(withinMs, this.#identity?.reserveMs ?? 0);
    await new Deadline(this.#host, withReserveMs + 2 * OVERDUE_MS).covers(this.#gone);
  }

  /** Tells it to finish within a time, if it drains; does nothing while it still serves. */
  hurry(withinMs: number): void {
    const identity = this.#identity;
    if (this.#isGone || !this.#isDraining || !identity) return;
    this.#emit('predecessor-hurried', { predecessorPid: identity.pid, withinMs });
    this.#link?.send({ bye: 'finish', withinMs });
    this.#killAfter(Math.max(withinMs, identity.reserveMs) + OVERDUE_MS);
  }

  /** Resolves when nothing of it is left to wait for: it has exited, or it never handed over and serves on. */
  get end(): Promise<void> {
    return this.#isDraining ? Promise.race([this.#gone, this.#kept]) : Promise.resolve();
  }

  /** Ends it at once, if it still drains. */
  kill(): void {
    const identity = this.#identity;
    if (this.#isGone || !this.#isDraining || !identity || !this.#isAlive(identity)) return;
    this.#kill(identity.pid);
  }

  /**
   * Whether that very process still runs; the kernel knows of its end before the channel tells us. PIDs come round again,
   * so the number alone says nothing: the start time does, and without /proc that it is still our parent.
   */
  #isAlive({ pid, startTime }: Identity): boolean {
    return startTime === '' ? this.#host.ppid === pid : isSameProcess(pid, startTime);
  }

  #killOverdue(moreMs = 0): void {
    this.#killAfter((this.#identity?.drainTimeoutMs ?? 0) + OVERDUE_MS + moreMs);
  }

  /** A blocked event loop hears no message and no deadline of its own. Never later than it was to be. */
  #killAfter(ms: number): void {
    const at = this.#host.now() + ms;
    if (at >= this.#overdueAt) return;
    this.#overdueAt = at;
    this.#overdue?.cancel();
    this.#overdue = this.#host.after(ms, () => this.kill());
  }

  #kill(pid: number): void {
    try {
      if (this.#host.kill(pid, 'SIGKILL')) this.#emit('predecessor-killed', { predecessorPid: pid });
    } catch (error) {
      // This process may run as another user than the old one: that must not end it, as it serves.
      this.#emit('warning', { message: `cannot end the old process ${pid}: ${describeError(error)}` });
    }
  }
}

function parseIdentity(text: string | undefined): Identity | undefined {
  try {
    const { pid, startTime, drainTimeoutMs, reserveMs, moves } = JSON.parse(text ?? '') as Partial<Identity>;
    if (typeof pid !== 'number' || typeof startTime !== 'string' || typeof drainTimeoutMs !== 'number')
      return undefined;
    // An older version says neither of the last two.
    return {
      pid,
      startTime,
      drainTimeoutMs,
      reserveMs: typeof reserveMs === 'number' ? reserveMs : 0,
      moves: moves === true,
    };
  } catch {
    return undefined;
  }
}
