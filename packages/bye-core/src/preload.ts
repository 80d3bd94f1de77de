/**
 * Runs in the new process of an upgrade before anything of the application (`node --require`): takes the channel out
 * of sight, reports what ends the process, and keeps signals and path clean-ups of the starting version from doing
 * harm. It comes with the new version or with the old one, and so gets on with both.
 */

import { isMainThread } from 'node:worker_threads';
import { type HandoverVariables, openLink } from './channel/link.js';
import { HeldSignals } from './held-signals.js';
import { realHost } from './host.js';
import { watchTicketKeys } from './internals-tls.js';
import { pathOfKey } from './listeners/key.js';
import { guardPaths } from './listeners/path-guard.js';

type SignalNames = { hookedSignals?: NodeJS.Signals[]; upgradeSignals?: NodeJS.Signals[] };

// Children and worker threads of the application inherit the execArgv of the process. Threads, which Node gives its own
// copy, run this file again.
const at = process.execArgv.indexOf(__filename);
if (at > 0) process.execArgv.splice(at - 1, 2);
if (isMainThread) {
  watchTicketKeys();
  openLink((variables) => ({
    signals: holdSignals(variables),
    undo: [guardPaths(inheritedPaths(variables))],
  }));
}

/** Until bye answers them: SIGUSR1 would open the inspector, any other would kill. */
function holdSignals(variables: HandoverVariables): HeldSignals {
  const { hookedSignals, upgradeSignals } = parse<SignalNames>(variables.BYE_PREDECESSOR) ?? {};
  return new HeldSignals(realHost, hookedSignals ?? [], upgradeSignals ?? []);
}

function inheritedPaths(variables: HandoverVariables): string[] {
  const listeners = parse<{ key?: string }[]>(variables.BYE_LISTENERS) ?? [];
  return listeners.flatMap(({ key }) => pathOfKey(key ?? '') ?? []);
}

function parse<T>(json: string | undefined): T | undefined {
  try {
    return json === undefined ? undefined : (JSON.parse(json) as T);
  } catch {
    return undefined;
  }
}
