/** The variables that an old process sets for its new one. */

import { PROTOCOL_VERSION } from '../channel/messages.js';
import type { Host } from '../host.js';
import type { Settings } from '../options/types.js';
import { readProcess } from '../proc.js';
import { FIRST_LISTENER_FD, READY_FD } from './attempt.js';
import type { Rider } from './rider.js';

export interface HandoverInput {
  readonly host: Host;
  readonly settings: Settings;
  /** Of the new process. */
  readonly generation: number;
  readonly hookedSignals: readonly string[];
  readonly listeners: readonly {
    readonly key: string;
    readonly names: readonly string[];
    readonly identity?: string | undefined;
  }[];
  readonly riders: readonly Rider[];
  /** Live connections may come after the readiness byte, and then the word to accept. */
  readonly moves: boolean;
}

export function toHandoverVariables(input: HandoverInput) {
  const { host, settings, generation, hookedSignals, listeners, riders, moves } = input;
  const firstPipe = FIRST_LISTENER_FD + listeners.length;
  const predecessor = {
    pid: host.pid,
    startTime: readProcess(host.pid)?.startTime ?? '',
    drainTimeoutMs: settings.upgradeDrainTimeoutMs + settings.closeReserveMs,
    reserveMs: settings.closeReserveMs,
    upgradeSignals: settings.upgradeSignals,
    hookedSignals,
    moves,
    // No variables of their own: what a neighbour does not know would stay in its environment, and be taken for true by
    // the generation after that.
    ...Object.fromEntries(riders.map(({ fact }, index) => [fact, firstPipe + index])),
  };
  return {
    UPGRADE_FD: String(READY_FD),
    BYE_GENERATION: String(generation),
    BYE_PROTOCOL: String(PROTOCOL_VERSION),
    BYE_PREDECESSOR: JSON.stringify(predecessor),
    BYE_LISTENERS: JSON.stringify(
      listeners.map(({ key, names, identity }, index) => ({ fd: FIRST_LISTENER_FD + index, key, names, identity })),
    ),
  };
}
