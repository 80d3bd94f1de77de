/** A host whose clock, signals and exits belong to the test. */

import { type Host, realHost, type SignalListener } from '../src/host.js';

interface Pending {
  readonly at: number;
  readonly action: () => void;
  readonly hold: boolean;
}

type Signal = NodeJS.Signals;

export class FakeHost implements Host {
  pid = 1000;
  ppid = 1;
  platform: NodeJS.Platform = 'linux';
  readonly exits: number[] = [];
  readonly kills: [pid: number, signal: Signal | 0][] = [];
  /** What `kill` does; throws in tests that want it to. */
  onKill: () => boolean = () => true;
  spawn: Host['spawn'] = () => {
    throw new Error('No child was expected');
  };
  /** Milliseconds since the epoch at the start. */
  readonly #epoch = Date.UTC(2026, 0, 1);
  #now = 5000;
  readonly #timers = new Set<Pending>();
  readonly #listeners = new Map<Signal, Set<() => void>>();

  now(): number {
    return this.#now;
  }

  epochNow(): number {
    return this.#epoch + this.#now;
  }

  after(ms: number, action: () => void, hold = false) {
    const timer = { at: this.#now + Math.max(0, ms), action, hold };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  onSignal(signal: Signal, listener: () => void): () => void {
    const listeners = this.#listeners.get(signal) ?? new Set();
    this.#listeners.set(signal, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** Listeners of somebody else, by signal. */
  readonly others = new Map<Signal, SignalListener[]>();

  otherListeners(signal: Signal): readonly SignalListener[] {
    return this.others.get(signal) ?? [];
  }

  kill(pid: number, signal: Signal | 0): boolean {
    this.kills.push([pid, signal]);
    return this.onKill();
  }

  killSession(leader: number): void {
    this.kills.push([-leader, 'SIGKILL']);
  }

  /** The real one never returns; this one cannot help it. */
  exit(code: number): never {
    this.exits.push(code);
    return undefined as never;
  }

  signalNumber(signal: Signal): number {
    return realHost.signalNumber(signal);
  }

  activeResources(): readonly string[] {
    return ['Timeout'];
  }

  run(): { status: number | null } {
    throw new Error('No program was expected');
  }

  /** Timers that wait. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Of those, the ones that keep the event loop alive. */
  get heldTimers(): number {
    return [...this.#timers].filter(({ hold }) => hold).length;
  }

  /** The signals somebody listens to, in alphabetical order. */
  get handled(): Signal[] {
    return [...this.#listeners].flatMap(([signal, listeners]) => (listeners.size > 0 ? [signal] : [])).sort();
  }

  /** Delivers a signal. */
  raise(signal: Signal): void {
    for (const listener of [...(this.#listeners.get(signal) ?? [])]) listener();
  }

  /** Lets time pass: every timer due by then runs at its time, with what it set in motion. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await settle();
      const [next] = [...this.#timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.action();
    }
    this.#now = until;
  }
}

/** Lets promises and immediates that are due run: a few turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
