/** What signals and a finished upgrade do to the process: the only place that ends it. */

import type { Message } from './channel/messages.js';
import { Deadline } from './deadline.js';
import type { Emit } from './diagnostics.js';
import { closeEarlyInspector } from './early-inspector.js';
import { describeError } from './errors.js';
import type { Host, Timer } from './host.js';
import type { Settings } from './options/types.js';
import type { Servers } from './servers.js';
import type { Shutdown, ShutdownPlan } from './shutdown.js';
import { handleSignals } from './signals.js';
import type { Tasks } from './tasks.js';
import type { DrainReport, Logger } from './types.js';
import { describeWork } from './wording.js';

/** How long the logger may take for its last lines, in milliseconds. */
const FLUSH_MS = 1000;
/** How long whoever asked for the stop may take to hear how it ended, in milliseconds. */
const TELL_MS = 1000;
/** How often a replaced process tells the new one what it waits for, in milliseconds. */
const PROGRESS_MS = 500;

export interface ProcessControlParts {
  readonly host: Host;
  readonly settings: Settings;
  readonly shutdown: Shutdown;
  readonly servers: Servers;
  readonly tasks: Tasks;
  readonly emit: Emit;
  readonly upgrade: () => Promise<unknown>;
  /** Ends an upgrade under way; its new process is killed. */
  readonly abortUpgrade: (reason: string) => void;
  /** Before anything is waited for: readiness, the upgrade, a predecessor that still drains. */
  readonly onStop: () => void;
  /** A stop ends it, too: no old code goes on when the service has stopped. */
  readonly predecessor: { readonly end: Promise<void>; kill(): void };
  /** The PID file, at the last stop. */
  readonly cleanUp: () => void;
  /** The drain is over: tells who asked for it, before the exit. */
  readonly onDrained: (report: DrainReport) => Promise<void>;
}

/** The new process, as far as a drain has to do with it. */
export interface TakenOverBy {
  readonly pid: number;
  send(message: Message): void;
  onMessage(listener: (message: Message) => void): void;
  onExit(listener: (exitCode: number | null, signal: string | null) => void): void;
}

export class ProcessControl {
  readonly #parts: ProcessControlParts;
  #isReplaced = false;
  #finished: Promise<DrainReport> | undefined;
  #progress: Timer | undefined;
  #removeHandlers = () => {};

  constructor(parts: ProcessControlParts) {
    this.#parts = parts;
  }

  /** Installs the handlers; again after the options have changed. */
  handleSignals(): void {
    const { host, settings, emit } = this.#parts;
    const removeOld = this.#removeHandlers;
    this.#removeHandlers = () => {};
    if (settings.signals)
      this.#removeHandlers = handleSignals(host, settings, {
        stop: (signal) => {
          emit('signal', { signal, action: 'stop' });
          void this.stop(signal);
        },
        upgrade: (signal) => {
          emit('signal', { signal, action: 'upgrade' });
          // Refused or failed: it was told, and this process serves on.
          void this.#parts.upgrade().catch(() => {});
        },
        force: (signal) => {
          emit('signal', { signal, action: 'exit' });
          this.#force(signal);
        },
        ignore: (signal, why) => emit('signal-ignored', { signal, why }),
      });
    removeOld();
    if (settings.signals && settings.upgradeSignals.includes('SIGUSR1')) this.#guardInspector();
  }

  #guardInspector(): void {
    const { host, emit } = this.#parts;
    closeEarlyInspector(host, () => {
      const message =
        'a SIGUSR1 came before this process listened to it, so Node opened its inspector: closed again. To answer signals from the start use node --import bye-core/register';
      emit('warning', { message });
    });
  }

  /** What SIGTERM does: the whole stop, then the exit. Resolves only where this instance may not exit. */
  async stop(signal?: NodeJS.Signals): Promise<DrainReport> {
    const { settings, shutdown } = this.#parts;
    this.prepareStop();
    const plan = this.planStop(signal);
    // What a replaced process still does ends within the budget of a stop, and Ctrl-C waits for no delay. A stop that
    // is asked for again changes nothing: its delay is for balancers.
    if (this.#isReplaced || signal === 'SIGINT') {
      shutdown.hurryIfRunning(plan.timeoutMs, plan.graceMs ?? settings.keepAliveGraceMs);
    }
    return this.#finish(shutdown.start(plan));
  }

  /** Ends what must not go on beside a stop: an upgrade under way, and whatever `onStop` names. */
  prepareStop(): void {
    this.#parts.abortUpgrade('this process was told to stop');
    this.#parts.onStop();
  }

  planStop(signal?: NodeJS.Signals): ShutdownPlan {
    const { settings } = this.#parts;
    const interactive = signal === 'SIGINT';
    return {
      reason: 'stop',
      ...(signal ? { signal } : {}),
      delayMs: interactive ? 0 : settings.shutdownDelayMs,
      graceMs: interactive ? 0 : settings.keepAliveGraceMs,
      spreadMs: interactive ? 0 : settings.closeSpreadMs,
      timeoutMs: settings.shutdownTimeoutMs,
      reserveMs: settings.closeReserveMs,
    };
  }

  /** The new process is ready: drain, without a limit for idle connections but the deadline, and exit. */
  takenOver(successor: TakenOverBy): void {
    const { settings, shutdown, emit } = this.#parts;
    this.#isReplaced = true;
    const report = shutdown.start({
      reason: 'upgrade',
      delayMs: 0,
      graceMs: undefined,
      spreadMs: settings.closeSpreadMs,
      timeoutMs: settings.upgradeDrainTimeoutMs + settings.closeReserveMs,
      reserveMs: settings.closeReserveMs,
    });
    successor.onMessage((message) => {
      if (message.bye !== 'finish') return;
      shutdown.hurryIfRunning(message.withinMs, Math.min(message.withinMs, settings.keepAliveGraceMs));
    });
    successor.onExit((exitCode, signal) => emit('successor-lost', { successorPid: successor.pid, exitCode, signal }));
    this.#tellProgress(successor);
    void report.then(() => this.#tell(successor, true));
    void this.#finish(report);
  }

  /** After the one drain there is one exit, however many asked for it. */
  #finish(stopping: Promise<DrainReport>): Promise<DrainReport> {
    this.#finished ??= this.#exitAfter(stopping);
    return this.#finished;
  }

  async #exitAfter(stopping: Promise<DrainReport>): Promise<DrainReport> {
    const { host, settings, emit, shutdown, predecessor, onDrained } = this.#parts;
    const report = await stopping;
    if (!(await shutdown.covers(predecessor.end))) predecessor.kill();
    this.#progress?.cancel();
    this.#cleanUp();
    if (!settings.exit) {
      this.#removeHandlers();
      await onDrained(report);
      return report;
    }
    const code = report.cut.length > 0 ? 1 : 0;
    emit('exit', { code, keptAliveBy: host.activeResources() });
    await this.#flush(settings.logger);
    await new Deadline(host, TELL_MS).covers(onDrained(report));
    return host.exit(code);
  }

  #force(signal: NodeJS.Signals): never {
    const { host, emit, predecessor } = this.#parts;
    predecessor.kill();
    const code = 128 + host.signalNumber(signal);
    this.#cleanUp();
    emit('exit', { code, keptAliveBy: [] });
    return host.exit(code);
  }

  #tellProgress(successor: TakenOverBy): void {
    this.#tell(successor, false);
    this.#progress = this.#parts.host.after(PROGRESS_MS, () => this.#tellProgress(successor));
  }

  #tell(successor: TakenOverBy, isDrained: boolean): void {
    const { servers, tasks, shutdown } = this.#parts;
    const { inFlight, connections } = servers;
    const idle = isDrained || (inFlight === 0 && connections === 0 && tasks.size === 0);
    const waitingFor = idle ? 'its exit' : describeWork({ inFlight, connections, tasks: tasks.size });
    successor.send({ bye: 'draining', untilMs: shutdown.untilMs, waitingFor, idle });
  }

  /** What a replaced process leaves behind is the new one's. */
  #cleanUp(): void {
    if (this.#isReplaced) return;
    try {
      this.#parts.cleanUp();
    } catch (error) {
      // Its directory may be closed to the user this process changed to.
      this.#parts.emit('warning', { message: `cannot clean up: ${describeError(error)}` });
    }
  }

  /** A logger that takes too long, or throws, holds nothing up. */
  async #flush(logger: Logger): Promise<void> {
    if (!logger.flush) return;
    const flushed = new Promise<void>((resolve) => logger.flush?.(() => resolve()));
    await new Deadline(this.#parts.host, FLUSH_MS).covers(flushed);
  }
}
