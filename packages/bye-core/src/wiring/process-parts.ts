/** Wires what only the process's instance has: listeners, signals, the upgrade, both sides of it. */

import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ListenOptions, Server } from 'node:net';
import { dirname, join } from 'node:path';
import { type Link, toHello } from '../channel/link.js';
import type { Emit } from '../diagnostics.js';
import { ACTIVATION_VARIABLES, takeVariables } from '../env.js';
import type { HookList } from '../hooks.js';
import type { Host } from '../host.js';
import { hasOwnChannel } from '../internals.js';
import { watchTicketKeys } from '../internals-tls.js';
import type { Lifecycle } from '../lifecycle.js';
import { noteDroppedPaths } from '../listeners/dropped-paths.js';
import { InheritedListeners } from '../listeners/inherited.js';
import { hookListen } from '../listeners/listen-hook.js';
import { Listeners } from '../listeners/registry.js';
import { describeMisspelt } from '../options/misspelt.js';
import type { Settings } from '../options/types.js';
import { PidFile } from '../pid-file.js';
import { ProcessControl } from '../process-control.js';
import type { AutoReadiness } from '../readiness.js';
import type { Servers } from '../servers.js';
import type { Shutdown } from '../shutdown.js';
import type { SignalHooks } from '../signal-hooks.js';
import type { State } from '../state/state.js';
import { readActivation } from '../systemd/activation.js';
import type { Tasks } from '../tasks.js';
import { KeptSessions } from '../tls/sessions.js';
import type { HealthReport, Logger } from '../types.js';
import { announceReady } from '../upgrade/announce.js';
import { captureStart } from '../upgrade/command.js';
import { Predecessor } from '../upgrade/predecessor.js';
import { Upgrader } from '../upgrade/upgrader.js';
import { wireControl } from './control-parts.js';
import { listInherited } from './inherited-parts.js';
import { takeConnectionsIn } from './move-in.js';
import { moveConnectionsOut } from './move-out.js';

export interface UpgradeWiring {
  readonly host: Host;
  readonly settings: Settings;
  readonly emit: Emit;
  /** Loggers besides the application's, which hear every event. */
  readonly witnesses: Logger[];
  readonly report: () => HealthReport;
  readonly lifecycle: Lifecycle;
  readonly hooks: {
    readonly beforeUpgrade: HookList<void>;
    readonly upgradeFailed: HookList<unknown>;
    readonly onSignal: SignalHooks;
  };
  readonly servers: Servers;
  readonly tasks: Tasks;
  readonly shutdown: Shutdown;
  readonly readiness: AutoReadiness;
  readonly state: State;
  readonly link: Link | undefined;
  readonly generation: number;
}

export function wireUpgrade(wiring: UpgradeWiring) {
  const { host, settings, emit, servers, tasks, readiness, state, link, generation } = wiring;
  const hasForeignChannel = hasOwnChannel() && link?.hasChannel !== true;
  const start = captureStart(link?.variables.BYE_FIRST_ENVIRONMENT);
  const activated = readActivation(takeVariables(ACTIVATION_VARIABLES), host.pid);
  const inherited = new InheritedListeners(listInherited(link, activated), link !== undefined);
  const pidFile = () => (settings.pidFile === undefined ? undefined : new PidFile(settings.pidFile, host.pid));
  const predecessor = new Predecessor(link, host, emit);
  link?.send(toHello(host.pid));

  const listeners = new Listeners({
    host,
    inherited,
    deferAccept: link !== undefined,
    onAdopted: (key, fd) => emit('listener-adopted', { key, fd }),
    onOpened: (key) => emit('listener-opened', { key }),
    onClosed: (key) => emit('listener-closed', { key }),
    onListen: (server) => {
      servers.notice(server);
      readiness.noteListen();
    },
  });
  const hook = {
    onListen: (server: Server, options: ListenOptions) => listeners.prepare(server, options),
    onBound: (server: Server) => listeners.publish(server),
  };
  const sessions = new KeptSessions({
    host,
    emit,
    open: () => listeners.byKey,
    adopted: () => listeners.deferral.byKey,
  });
  link?.receive((message) => message.bye === 'tls-sessions' && sessions.receive(message));
  if (settings.ownsProcess) watchTicketKeys();
  if (settings.ownsProcess) for (const message of describeMisspelt()) emit('warning', { message });
  const isHooked = settings.ownsProcess && host.platform !== 'win32';
  const unhook = isHooked ? hookListen(hook) : () => {};

  const upgrader: Upgrader = new Upgrader({
    ...wiring,
    ...wiring.hooks,
    start,
    predecessor,
    listeners,
    riders: () => state.riders(),
    greeting: () => sessions.collect(),
    hookedSignals: () => wiring.hooks.onSignal.names,
    handOver: moveConnectionsOut({ host, settings, emit, listeners, servers }),
    hasForeignChannel,
    preload: findPreload,
    restorePidFile: () => {
      const file = pidFile();
      if (file?.restore()) emit('pid-file-written', { path: file.path });
    },
    onTakenOver: (successor) => {
      control.takenOver(successor);
      const kept = sessions.collect();
      if (kept) successor.send(kept);
      closeAll(listeners, servers);
      successor.send({ bye: 'taken-over' });
    },
  });
  const control = new ProcessControl({
    ...wiring,
    upgrade: () => upgrader.upgrade(false),
    abortUpgrade: (reason) => {
      const over = upgrader.abort(reason);
      // Its new process is to be reaped, its hooks to have run, and the PID file to be ours before we remove it.
      if (over) void tasks.track(over, 'end of the upgrade');
    },
    predecessor,
    onStop: () => {
      readiness.stop();
      predecessor.hurry(settings.shutdownTimeoutMs);
    },
    cleanUp() {
      upgrader.kill();
      const file = pidFile();
      if (file?.remove()) emit('pid-file-removed', { path: file.path });
      if (settings.exit) listeners.removePaths();
    },
    onDrained: (report) => controlSocket.end(report, settings.exit),
  });
  const controlSocket = wireControl({
    ...wiring,
    script: start.script,
    listeners,
    upgrader,
    predecessor,
    stop: () => void control.stop(),
  });
  wiring.witnesses.push(controlSocket.witness);

  const connectionsIn = takeConnectionsIn({
    ...wiring,
    listeners,
    predecessor,
    isRunning: () => wiring.lifecycle.isRunning,
  });

  return {
    listeners,
    inherited,
    predecessor,
    upgrader,
    control,
    controlSocket,
    generation,
    /** @throws {ByeError} If it can't be opened (`ERR_BYE_CONTROL_SOCKET`): this instance hears of no `listen()` then */
    openControlSocket(): void {
      if (settings.controlSocket === undefined || !isHooked) return;
      try {
        controlSocket.open(settings.controlSocket);
      } catch (error) {
        unhook();
        throw error;
      }
    },
    /** Everything that happens when this process is ready, in the documented order and in one turn. */
    announce(): void {
      if (link) dropUnclaimed(inherited, listeners, predecessor, emit);
      const file = pidFile();
      file?.write();
      if (file) emit('pid-file-written', { path: file.path });
      connectionsIn.announce();
      if (link?.variables.UPGRADE_FD !== undefined) announceReady(link.variables.UPGRADE_FD);
      connectionsIn.whenTakenOver(() => {
        sessions.beginAccepting();
        listeners.deferral.end();
      });
      for (const signal of link?.settle() ?? []) {
        emit('signal-ignored', { signal, why: 'it came before this version was ready, which has no hook for it' });
      }
      state.ready();
      predecessor.startDrain();
    },
  };
}

/** The old process puts their paths back at the hand-over, so they are removed after it, and once more when it has gone. */
function dropUnclaimed(
  inherited: InheritedListeners,
  listeners: Listeners,
  predecessor: Predecessor,
  emit: Emit,
): void {
  const dropped = inherited.dropUnclaimed();
  const isOpen = (key: string) => listeners.keys.includes(key);
  const removePaths = noteDroppedPaths(dropped, isOpen);
  for (const key of dropped) if (!isOpen(key)) emit('listener-dropped', { key });
  void predecessor.handedOver.then(removePaths);
  void predecessor.gone.then(removePaths);
}

/** Every listener, attached or not: from now on only the new process accepts. Socket paths stay. */
function closeAll(listeners: Listeners, servers: Servers): void {
  for (const server of listeners.byKey.values()) {
    const drain = servers.drainOf(server);
    if (drain) drain.softClose();
    else listeners.close(server);
  }
}

/**
 * That of the bye-core which the new version loads, as it has to be there for as long as that version runs: Node loads it
 * again in each worker thread, and the release of this process may be gone by then. Else our own; a deploy may be
 * replacing both this moment, and the upgrade works without one.
 */
function findPreload(script: string): string | undefined {
  return [coreOf(script), __dirname].map((directory) => join(directory, 'preload.js')).find(existsSync);
}

function coreOf(script: string): string {
  try {
    return dirname(createRequire(realpathSync(script)).resolve('bye-core'));
  } catch {
    return __dirname;
  }
}
