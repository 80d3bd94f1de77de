/** The operating system as bye uses it: the only file that touches spawn, process signals, exit and the clock. */

import {
  type ChildProcess,
  type SendHandle,
  type SpawnOptions,
  type StdioOptions,
  spawn,
  spawnSync,
} from 'node:child_process';
import { constants } from 'node:os';

export type { ChildProcess, SendHandle, StdioOptions };

export interface Timer {
  cancel(): void;
}

/** What the parts of bye ask of the operating system. Tests give a fake only for branches reality cannot produce. */
export interface Host {
  readonly pid: number;
  readonly ppid: number;
  readonly platform: NodeJS.Platform;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since the epoch: the only time that two processes share. */
  epochNow(): number;
  /** Runs `action` once, `ms` from now. Keeps the event loop alive only if `hold` is set. */
  after(ms: number, action: () => void, hold?: boolean): Timer;
  onSignal(signal: NodeJS.Signals, listener: () => void): () => void;
  /** Who else listens to a signal: not through `onSignal`, of whichever copy of bye-core. */
  otherListeners(signal: NodeJS.Signals): readonly SignalListener[];
  /** Sends a signal; false if no such process is left. Signal 0 only asks. */
  kill(pid: number, signal: NodeJS.Signals | 0): boolean;
  /** Ends a process that leads a session, and whatever of its children stayed with it, at once. */
  killSession(leader: number): void;
  exit(code: number): never;
  signalNumber(signal: NodeJS.Signals): number;
  /** What keeps the event loop alive, by kind. */
  activeResources(): readonly string[];
  spawn(file: string, args: readonly string[], options: SpawnOptions): ChildProcess;
  /**
   * Runs a short program to its end and waits, in an empty environment and without a terminal. Killed after `timeoutMs`.
   *
   * @returns `status: null` if it was killed or could not start
   */
  run(file: string, args: readonly string[], timeoutMs: number): { status: number | null };
}

export type SignalListener = (...args: never[]) => unknown;

/** On the listeners of every copy of bye-core. */
const OURS = Symbol.for('bye.signal-listener/1');

/** The only signals Node can listen to on Windows. */
const WINDOWS_SIGNALS = new Set<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK']);

/** Those of this platform, and those that others have: one list of signals may serve several. */
const KNOWN_SIGNALS = new Set<unknown>([
  ...Object.keys(constants.signals),
  'SIGUSR1',
  'SIGUSR2',
  'SIGQUIT',
  'SIGBREAK',
]);

/** setTimeout's limit; anything longer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const realHost: Host = {
  pid: process.pid,
  get ppid() {
    return process.ppid;
  },
  platform: process.platform,
  now: () => performance.now(),
  epochNow: () => Date.now(),
  after(ms, action, hold = false) {
    const timer = setTimeout(action, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    if (!hold) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  onSignal(signal, listener) {
    if (process.platform === 'win32' && !WINDOWS_SIGNALS.has(signal)) return () => {};
    process.on(signal, Object.assign(listener, { [OURS]: true }));
    return () => process.removeListener(signal, listener);
  },
  otherListeners: (signal) => process.listeners(signal).filter((listener) => !(OURS in listener)),
  kill(pid, signal) {
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  },
  killSession(leader) {
    try {
      process.kill(-leader, 'SIGKILL');
    } catch {
      // Nobody is left of it; macOS says EPERM where only zombies are.
    }
  },
  exit: (code) => process.exit(code),
  signalNumber: (signal) => constants.signals[signal],
  activeResources: () => [...new Set(process.getActiveResourcesInfo())],
  spawn,
  run(file, args, timeoutMs) {
    try {
      // No NODE_OPTIONS either: a debugger or a preload in there has no business in a helper.
      const { status } = spawnSync(file, args, { env: {}, stdio: 'ignore', timeout: timeoutMs, killSignal: 'SIGKILL' });
      return { status };
    } catch {
      // The permission model forbids children.
      return { status: null };
    }
  },
};

/** Whether this is a signal, and one that a process may answer. Node takes an unknown name for an event of the app's own. */
export function canHandle(signal: unknown): signal is NodeJS.Signals {
  return KNOWN_SIGNALS.has(signal) && signal !== 'SIGKILL' && signal !== 'SIGSTOP';
}

/** Resolves after `ms`, or at once when `signal` is aborted. Never rejects. */
export function pause(host: Host, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (ms <= 0 || signal?.aborted) return resolve();
    const done = () => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = host.after(ms, done, true);
    signal?.addEventListener('abort', done);
  });
}
