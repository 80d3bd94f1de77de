/**
 * Runs in the new process of an upgrade before anything of the application (`node --require`): takes the channel out
 * of sight, reports what ends the process, and keeps signals and path clean-ups of the starting version from doing
 * harm. It comes with the new version or with the old one, and so gets on with both.
 */

import { isMainThread } from 'node:worker_threads';
import { type HandoverVariables, openLink } from './channel/link.js';
import { realHost } from './host.js';
import { guardPaths } from './listeners/path-guard.js';

// Children and worker threads of the application inherit the execArgv of the process. Threads, which Node gives its own
// copy, run this file again.
const at = process.execArgv.indexOf(__filename);
if (at > 0) process.execArgv.splice(at - 1, 2);
if (isMainThread) {
  openLink((variables) => [guardSignals(variables), guardPaths(inheritedPaths(variables))]);
}

/** Until bye answers them: SIGUSR1 would open the inspector, any other would kill. */
function guardSignals(variables: HandoverVariables): () => void {
  const signals = parse<{ upgradeSignals?: NodeJS.Signals[] }>(variables.BYE_PREDECESSOR)?.upgradeSignals ?? [];
  const removers = signals.map((signal) => realHost.onSignal(signal, () => {}));
  return () => {
    for (const remove of removers) remove();
  };
}

function inheritedPaths(variables: HandoverVariables): string[] {
  const listeners = parse<{ key?: string }[]>(variables.BYE_LISTENERS) ?? [];
  return listeners.flatMap(({ key }) => (key?.startsWith('unix:') ? [key.slice('unix:'.length)] : []));
}

function parse<T>(json: string | undefined): T | undefined {
  try {
    return json === undefined ? undefined : (JSON.parse(json) as T);
  } catch {
    return undefined;
  }
}
