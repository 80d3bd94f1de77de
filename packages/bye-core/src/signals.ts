/** From process signals to what they ask for, repeated deliveries included. */

import type { Host } from './host.js';
import type { Settings } from './options/types.js';

/** Within this time the same signal is the same request: shells, npm and systemd deliver twice. In milliseconds. */
const REPEAT_MS = 1000;

export interface SignalActions {
  stop(signal: NodeJS.Signals): void;
  upgrade(signal: NodeJS.Signals): void;
  /** Ctrl-C again: end now. */
  force(signal: NodeJS.Signals): void;
  ignore(signal: NodeJS.Signals, why: string): void;
}

/** Installs the handlers. @returns removes them */
export function handleSignals(host: Host, settings: Settings, actions: SignalActions): () => void {
  const heardAt = new Map<NodeJS.Signals, number>();
  let stoppingSince: number | undefined;

  const onStop = (signal: NodeJS.Signals) => {
    const now = host.now();
    const repeated = now - (heardAt.get(signal) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS;
    // Counted from the first delivery, or an impatient Ctrl-C, Ctrl-C, Ctrl-C would never be heard.
    if (!repeated) heardAt.set(signal, now);
    if (stoppingSince === undefined) {
      stoppingSince = now;
      return actions.stop(signal);
    }
    if (repeated) return actions.ignore(signal, 'delivered twice');
    if (signal !== 'SIGINT') return actions.ignore(signal, 'already stopping');
    now - stoppingSince >= REPEAT_MS ? actions.force(signal) : actions.stop(signal);
  };

  const removers = [
    ...settings.stopSignals.map((signal) => host.onSignal(signal, () => onStop(signal))),
    ...settings.upgradeSignals.map((signal) => host.onSignal(signal, () => actions.upgrade(signal))),
  ];
  return () => {
    for (const remove of removers.splice(0)) remove();
  };
}
