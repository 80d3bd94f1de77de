/** Wires the control socket to what it tells of and what it may ask for. */

import { ControlSocket } from '../control/control-socket.js';
import type { Emit } from '../diagnostics.js';
import { ByeError } from '../errors.js';
import type { Host } from '../host.js';
import type { Lifecycle } from '../lifecycle.js';
import type { Listeners } from '../listeners/registry.js';
import type { Shutdown } from '../shutdown.js';
import type { HealthReport, StatusReport } from '../types.js';
import type { Predecessor } from '../upgrade/predecessor.js';
import type { Upgrader } from '../upgrade/upgrader.js';
import { VERSION } from '../version.js';

export interface ControlWiring {
  readonly host: Host;
  readonly emit: Emit;
  readonly lifecycle: Lifecycle;
  readonly shutdown: Shutdown;
  readonly report: () => HealthReport;
  readonly script: string | undefined;
  readonly listeners: Listeners;
  readonly upgrader: Upgrader;
  readonly predecessor: Predecessor;
  readonly stop: () => void;
}

export function wireControl(wiring: ControlWiring): ControlSocket {
  const { host, emit, listeners, upgrader, stop } = wiring;
  return new ControlSocket({
    host,
    emit,
    report: () => reportStatus(wiring),
    upgrade: (force) => upgrader.upgrade(force),
    stop: () => {
      if (upgrader.last?.ok) throw replaced();
      stop();
    },
    listen: (server, path) => listeners.listenPrivately(server, path),
  });
}

/** Its client connected before the hand-over. To end this process now would be an answer, but the service would go on. */
function replaced(): ByeError {
  const message =
    'Cannot stop the service as this process has been replaced already: ask again, and the new one answers';
  return new ByeError('ERR_BYE_SHUTTING_DOWN', message, { reason: 'upgrade' });
}

function reportStatus({ lifecycle, shutdown, report, script, ...parts }: ControlWiring): StatusReport {
  const { progress } = parts.upgrader;
  const { draining } = parts.predecessor;
  return {
    ...report(),
    node: process.versions.node,
    bye: VERSION,
    ...(script === undefined ? {} : { script }),
    listeners: parts.listeners.keys,
    ...(lifecycle.status === 'draining' ? { untilMs: Math.round(shutdown.untilMs) } : {}),
    ...(progress ? { upgrade: progress } : {}),
    // Until this process is ready, the old one is in full service.
    ...(draining && lifecycle.status !== 'starting' ? { predecessor: draining } : {}),
  };
}
