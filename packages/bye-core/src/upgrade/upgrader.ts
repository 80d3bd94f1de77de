/** The one upgrade loop: refuses, tries, and either hands the service over or leaves everything as it was. */

import type { Message } from '../channel/messages.js';
import { Deadline } from '../deadline.js';
import type { Emit } from '../diagnostics.js';
import { ByeError, describeError } from '../errors.js';
import type { HookList } from '../hooks.js';
import type { Host } from '../host.js';
import type { Settings } from '../options/types.js';
import type { LastUpgrade, LifecycleView, StatusReport } from '../types.js';
import { askSuccessor } from './ask-successor.js';
import { Attempt } from './attempt.js';
import { resolveSuccessor, type StartFacts } from './command.js';
import type { HandingOver } from './handing-over.js';
import { type HandoverInput, toHandoverVariables } from './handover.js';
import type { Predecessor } from './predecessor.js';
import { findRefusal, refuseDanger } from './refusal.js';
import type { Rider } from './rider.js';
import { beginRun, describeRun, type Running } from './running.js';
import type { Successor } from './successor.js';
import { runBeforeHooks, runFailedHooks } from './upgrade-hooks.js';

/** What the listeners do for an upgrade. */
export interface UpgradableListeners {
  readonly handedOn: readonly ({ readonly fd: number } & HandoverInput['listeners'][number])[];
  holdPaths(): { restore(): unknown; release(): void }[];
}

export interface UpgraderParts {
  readonly host: Host;
  readonly settings: Settings;
  readonly lifecycle: LifecycleView;
  readonly start: StartFacts;
  readonly generation: number;
  readonly predecessor: Predecessor;
  readonly listeners: UpgradableListeners;
  /** Asked for each attempt. */
  readonly riders: () => readonly Rider[];
  /** What a new process is told first. */
  readonly greeting: () => Message | undefined;
  /** Asked for each attempt. */
  readonly handOver: () => HandingOver;
  readonly hasForeignChannel: boolean;
  /** A file for the new process, which runs `script`, to run first, if there is one. */
  readonly preload: (script: string) => string | undefined;
  readonly beforeUpgrade: HookList<void>;
  readonly upgradeFailed: HookList<unknown>;
  /** What the application has hooks for: kept back in the new process until that has its own. */
  readonly hookedSignals: () => readonly string[];
  readonly emit: Emit;
  /** The PID file as it was, after a new process may have written its own PID there. */
  readonly restorePidFile: () => void;
  /** The new process is ready: close the listeners, in this same turn of the event loop, and drain. */
  readonly onTakenOver: (successor: Successor) => void;
}

export interface UpgradeResult {
  readonly pid: number;
  readonly generation: number;
  readonly durationMs: number;
}

export type UpgradeVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly remedy: string };

/** Every report has it, and it may quote whatever the new version threw. In characters. */
const MOST_REMEMBERED = 10_000;

export class Upgrader {
  readonly #parts: UpgraderParts;
  #running: Running | undefined;
  #last: LastUpgrade | undefined;

  constructor(parts: UpgraderParts) {
    this.#parts = parts;
  }

  get last(): LastUpgrade | undefined {
    return this.#last;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** The one that runs, for reports. */
  get progress(): StatusReport['upgrade'] {
    return this.#running && describeRun(this.#running, this.#parts.host);
  }

  canUpgrade(): UpgradeVerdict {
    const refusal = this.#findRefusal();
    if (!refusal) return { ok: true };
    const { remedy } = refusal.data as { remedy?: string };
    return { ok: false, code: refusal.code, message: refusal.message, remedy: remedy ?? 'Try again later' };
  }

  /**
   * Waits for a predecessor that has nothing left to do but its exit, a second at most.
   *
   * @param force tell one that still drains to finish now, and wait for it
   * @throws {ByeError} If it is refused, or the new process failed; the old one serves on
   */
  async upgrade(force: boolean): Promise<UpgradeResult> {
    const { host, emit, generation, predecessor } = this.#parts;
    const going = this.#running ? undefined : force ? predecessor.finishNow() : predecessor.leaving;
    if (going) await going;
    const refusal = this.#findRefusal();
    if (refusal) {
      emit('upgrade-refused', { error: refusal });
      throw refusal;
    }
    const startedAt = host.now();
    const running = beginRun(generation + 1, new Deadline(host, this.#parts.settings.upgradeTimeoutMs), host);
    this.#running = running;
    emit('upgrade-requested', { generation: generation + 1, force });
    const outcome = this.#try(generation + 1, running);
    running.over = outcome.catch(() => {});
    try {
      const successor = await outcome;
      const durationMs = Math.round(host.now() - startedAt);
      this.#remember({ ok: true, durationMs, pid: successor.pid });
      emit('upgrade-finished', {
        successorPid: successor.pid,
        generation: generation + 1,
        durationMs,
        node: successor.node,
      });
      return { pid: successor.pid, generation: generation + 1, durationMs };
    } catch (error) {
      this.#remember({
        ok: false,
        durationMs: Math.round(host.now() - startedAt),
        error: describeError(error).slice(0, MOST_REMEMBERED),
      });
      emit('upgrade-failed', { error });
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  /**
   * A stop ends an upgrade under way, and its new process.
   *
   * @returns resolves when that is reaped and everything is as it was; `undefined` if no upgrade runs
   */
  abort(reason: string): Promise<unknown> | undefined {
    const running = this.#running;
    if (!running) return undefined;
    const pid = running.attempt?.pid;
    running.abortedBy = new ByeError('ERR_BYE_UPGRADE_ABORTED', `Cannot upgrade as ${reason}`, { pid, reason });
    running.attempt?.abort(running.abortedBy);
    // What comes before the new process, hooks and `successor`, is waited for no longer.
    running.deadline.shorten(0);
    // What a stop gives to hooks: one that hangs must not use up the time of the requests.
    running.failing?.shorten(this.#parts.settings.closeReserveMs);
    return running.over;
  }

  /** Before an exit that waits for nothing more. */
  kill(): void {
    this.#running?.attempt?.kill();
  }

  async #try(generation: number, running: Running): Promise<Successor> {
    const { host, settings, listeners, beforeUpgrade, upgradeFailed, emit } = this.#parts;
    let holds: ReturnType<UpgradableListeners['holdPaths']> = [];
    try {
      await runBeforeHooks(beforeUpgrade, running.deadline);
      const attempt = await this.#spawn(generation, running, () => {
        holds = listeners.holdPaths();
      });
      const successor = await attempt.outcome();
      // Between the last look at it and this nothing else may run: from here on there is no way back (T24).
      this.#parts.onTakenOver(successor);
      for (const hold of holds) this.#warnIfFails(() => hold.restore());
      return successor;
    } catch (cause) {
      const error = running.abortedBy ?? cause;
      for (const hold of holds) this.#warnIfFails(() => hold.restore());
      this.#warnIfFails(this.#parts.restorePidFile);
      const failing = new Deadline(host, running.abortedBy ? settings.closeReserveMs : settings.upgradeTimeoutMs);
      running.failing = failing;
      await runFailedHooks(upgradeFailed, error, failing, emit);
      throw error;
    }
  }

  async #spawn(generation: number, running: Running, onSpawn: () => void): Promise<Attempt> {
    const { host, settings, start, listeners, preload, emit } = this.#parts;
    const override = await askSuccessor(settings.successor, running.deadline);
    const command = resolveSuccessor(start, override);
    if (running.abortedBy) throw running.abortedBy;
    onSpawn();
    const handed = listeners.handedOn;
    const riders = this.#parts.riders();
    const handingOver = this.#parts.handOver();
    const attempt: Attempt = new Attempt({
      host,
      command,
      preload: preload(command.script),
      onHello: ({ node, protocol }) =>
        emit('successor-loaded', { successorPid: attempt.pid as number, node, protocol }),
      greeting: this.#parts.greeting,
      deadline: running.deadline,
      timeoutMs: settings.upgradeTimeoutMs,
      listenerFds: handed.map(({ fd }) => fd),
      riders,
      handingOver,
      variables: toHandoverVariables({
        host,
        settings,
        generation,
        hookedSignals: this.#parts.hookedSignals(),
        listeners: handed,
        riders,
        moves: handingOver.moves,
      }),
    });
    running.attempt = attempt;
    if (attempt.pid !== undefined)
      emit('upgrade-started', { successorPid: attempt.pid, generation, script: command.script });
    return attempt;
  }

  /** What is put back after an upgrade, finished or failed, must not change how it ended. */
  #warnIfFails(step: () => unknown): void {
    try {
      step();
    } catch (error) {
      this.#parts.emit('warning', { message: describeError(error) });
    }
  }

  #remember(outcome: Omit<LastUpgrade, 'at'>): void {
    this.#last = { ...outcome, at: new Date(this.#parts.host.epochNow()).toISOString() };
  }

  #findRefusal(): ByeError | undefined {
    const { generation, host, settings, hasForeignChannel } = this.#parts;
    return (
      findRefusal(this.#parts, this.#running) ??
      (settings.allowUnsafeUpgrade
        ? undefined
        : refuseDanger({ host, generation, pidFile: settings.pidFile, hasForeignChannel }))
    );
  }
}
