/** What the application does when a signal comes that neither stops nor upgrades it: reload, reopen logs. */

import type { Emit } from './diagnostics.js';
import { type Hook, HookList } from './hooks.js';
import { canHandle, type Host } from './host.js';
import type { Settings } from './options/types.js';

export interface SignalHooksParts {
  readonly host: Host;
  readonly emit: Emit;
  readonly settings: Pick<Settings, 'signals' | 'stopSignals' | 'upgradeSignals'>;
  /** Whether this instance may answer signals at all. */
  readonly ownsSignals: boolean;
  /** Ends the keeping back of a signal in a new process. @returns whether it came meanwhile */
  readonly takeHeld: (signal: string) => boolean;
}

export class SignalHooks {
  readonly #parts: SignalHooksParts;
  readonly #hooked = new Map<NodeJS.Signals, HookedSignal>();

  constructor(parts: SignalHooksParts) {
    this.#parts = parts;
  }

  /** The signals that have hooks and are answered. */
  get names(): NodeJS.Signals[] {
    return this.#isActive ? [...this.#hooked.keys()] : [];
  }

  /**
   * @returns takes the hook off; with the last one the signal does again what Node does with it
   * @throws {RangeError} If the signal cannot be handled, or stops or upgrades the service
   */
  add(name: NodeJS.Signals, hook: Hook<NodeJS.Signals>): () => void {
    if (!canHandle(name)) {
      throw new RangeError(
        `onSignal() takes the name of a signal, and neither SIGKILL nor SIGSTOP, which can't be handled: got ${JSON.stringify(name)}`,
      );
    }
    refuse(name, this.#parts.settings);
    const hooked = this.#hooked.get(name) ?? new HookedSignal(name, this.#parts.emit);
    const removeHook = hooked.list.add(hook);
    this.#hooked.set(name, hooked);
    if (this.#isActive) this.#listen(hooked);
    return () => {
      removeHook();
      if (hooked.list.size > 0) return;
      hooked.removeHandler();
      if (this.#hooked.get(name) === hooked) this.#hooked.delete(name);
    };
  }

  /** Whether other options would leave the hooks in place. @throws {RangeError} If they give a hooked signal a meaning */
  check(settings: SignalHooksParts['settings']): void {
    for (const name of this.#hooked.keys()) refuse(name, settings);
  }

  /** After the options have changed. */
  apply(): void {
    for (const hooked of this.#hooked.values()) this.#isActive ? this.#listen(hooked) : hooked.removeHandler();
  }

  get #isActive(): boolean {
    return this.#parts.ownsSignals && this.#parts.settings.signals;
  }

  #listen(hooked: HookedSignal): void {
    const { host, takeHeld } = this.#parts;
    hooked.installHandler(host);
    // Only now, so that there is always somebody who listens. And later, as more hooks may follow in this turn.
    if (takeHeld(hooked.name)) setImmediate(() => hooked.deliver());
  }
}

/** The hooks of one signal: one run at a time, and one more after it for whatever came meanwhile. */
class HookedSignal {
  readonly name: NodeJS.Signals;
  readonly list = new HookList<NodeJS.Signals>('onSignal');
  readonly #emit: Emit;
  #isRunning = false;
  #cameAgain = false;
  #removeHandler: (() => void) | undefined;

  constructor(name: NodeJS.Signals, emit: Emit) {
    this.name = name;
    this.#emit = emit;
  }

  installHandler(host: Host): void {
    this.#removeHandler ??= host.onSignal(this.name, () => this.deliver());
  }

  removeHandler(): void {
    this.#removeHandler?.();
    this.#removeHandler = undefined;
  }

  deliver(): void {
    if (this.#isRunning) this.#cameAgain = true;
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    do {
      this.#cameAgain = false;
      this.#emit('signal', { signal: this.name, action: 'hooks' });
      await this.list.runInOrder(this.name, (error) =>
        this.#emit('hook-failed', { hook: `onSignal ${this.name}`, error }),
      );
    } while (this.#cameAgain);
    this.#isRunning = false;
  }
}

function refuse(name: NodeJS.Signals, { stopSignals, upgradeSignals }: SignalHooksParts['settings']): void {
  if (stopSignals.includes(name)) {
    throw new RangeError(
      `onSignal() can't have ${name} as it is in stopSignals: use onShutdown() for what is to run at a stop`,
    );
  }
  if (upgradeSignals.includes(name)) {
    throw new RangeError(
      `onSignal() can't have ${name} as it is in upgradeSignals: use onBeforeUpgrade() for what is to run at an upgrade`,
    );
  }
}
