/** Wires the state to both sides of an upgrade. */

import type { Link } from '../channel/link.js';
import type { Deadline } from '../deadline.js';
import type { Emit } from '../diagnostics.js';
import type { HookList } from '../hooks.js';
import type { Host } from '../host.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Settings } from '../options/types.js';
import { readStateFd } from '../state/fact.js';
import { State } from '../state/state.js';

export interface StateWiring {
  readonly host: Host;
  readonly settings: Settings;
  readonly emit: Emit;
  readonly lifecycle: Lifecycle;
  readonly link: Link | undefined;
  readonly afterWork: HookList<Deadline>;
  readonly upgradeFailed: HookList<unknown>;
}

export function wireState(wiring: StateWiring): State {
  const { host, settings, emit, lifecycle, link, afterWork, upgradeFailed } = wiring;
  const state = new State({
    host,
    emit,
    fd: readStateFd(link?.variables.BYE_PREDECESSOR),
    isStarting: () => lifecycle.status === 'starting',
    onOrphaned: (listener) => link?.onLost(listener),
    // The next upgrade waits for it, and has to have time left after that.
    patienceMs: () => settings.upgradeTimeoutMs / 2,
  });
  upgradeFailed.add((error) => state.rollback(error));
  afterWork.add((deadline) => (lifecycle.reason === 'upgrade' ? state.finish(deadline) : undefined));
  return state;
}
