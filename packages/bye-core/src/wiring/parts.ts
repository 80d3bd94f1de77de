/** Wires the real parts of an instance: the process's one, or a plain one that touches nothing process-wide. */

import { isMainThread } from 'node:worker_threads';
import { openLink } from '../channel/link.js';
import { PROTOCOL_VERSION } from '../channel/messages.js';
import { Deadline } from '../deadline.js';
import { createEmit, type Emit } from '../diagnostics.js';
import { isDebugging, parseWholeNumber } from '../env.js';
import { ByeError } from '../errors.js';
import { GoodbyeHooks } from '../goodbye.js';
import { Health } from '../health.js';
import { HookList } from '../hooks.js';
import { type Host, realHost } from '../host.js';
import { Lifecycle } from '../lifecycle.js';
import { resolveOptions } from '../options/options.js';
import { createStderrLogger } from '../options/stderr-logger.js';
import type { ByeOptions, Settings } from '../options/types.js';
import { OtherListeners } from '../other-listeners.js';
import { AutoReadiness } from '../readiness.js';
import { Servers } from '../servers.js';
import { Shutdown } from '../shutdown.js';
import { SignalHooks } from '../signal-hooks.js';
import type { State } from '../state/state.js';
import type { Reason } from '../status.js';
import { Tasks } from '../tasks.js';
import type { HealthReport, LastUpgrade, Logger } from '../types.js';
import { UnattachedServers } from '../unattached.js';
import { wireUpgrade } from './process-parts.js';
import { wireState } from './state-parts.js';

/** What a `Bye` is made of. */
export interface Parts {
  readonly host: Host;
  readonly settings: Settings;
  readonly generation: number;
  readonly lifecycle: Lifecycle;
  readonly emit: Emit;
  readonly servers: Servers;
  readonly tasks: Tasks;
  readonly health: Health;
  readonly report: () => HealthReport;
  readonly shutdown: Shutdown;
  readonly readiness: AutoReadiness;
  readonly hooks: Hooks;
  readonly state: State;
  readonly otherListeners: OtherListeners;
  readonly unattached: UnattachedServers;
  /** Only the process's instance has it. */
  readonly process: ReturnType<typeof wireUpgrade> | undefined;
}

export interface Hooks {
  readonly onShutdown: HookList<Reason>;
  readonly onClose: HookList<void>;
  readonly goodbye: GoodbyeHooks;
  readonly beforeUpgrade: HookList<void>;
  readonly upgradeFailed: HookList<unknown>;
  readonly onSignal: SignalHooks;
}

/** @param onReady called when auto-readiness finds the service ready */
export function wireParts(options: ByeOptions, scope: 'process' | 'plain', onReady: () => void): Parts {
  const host = realHost;
  const settings = resolveOptions(options, scope, host.pid);
  const debug = isDebugging() ? [createStderrLogger('debug', host.pid)] : [];
  const witnesses: Logger[] = [];
  const emit = createEmit(() => [settings.logger, ...debug, ...witnesses], host.pid);
  const lifecycle = new Lifecycle(host);
  const link = scope === 'process' && isMainThread ? openLink() : undefined;
  const hooks: Hooks = {
    onShutdown: new HookList('onShutdown'),
    onClose: new HookList('onClose'),
    goodbye: new GoodbyeHooks((error) => emit('hook-failed', { hook: 'onGoodbye', error })),
    beforeUpgrade: new HookList('onBeforeUpgrade'),
    upgradeFailed: new HookList('onUpgradeFailed'),
    onSignal: new SignalHooks({
      host,
      emit,
      settings,
      ownsSignals: scope === 'process',
      takeHeld: (signal) => link?.takeSignal(signal) ?? false,
    }),
  };
  const otherListeners = new OtherListeners({
    host,
    emit,
    signals: () => {
      if (scope !== 'process' || !settings.signals) return [];
      return [...settings.stopSignals, ...settings.upgradeSignals, ...hooks.onSignal.names];
    },
  });
  checkProtocol(link?.variables.BYE_PROTOCOL);
  const generation = parseWholeNumber('BYE_GENERATION', link?.variables.BYE_GENERATION ?? '0');
  let lastUpgrade = (): LastUpgrade | undefined => undefined;

  const report = (): HealthReport => ({
    status: lifecycle.status === 'stopped' ? 'draining' : lifecycle.status,
    ...(lifecycle.phase ? { phase: lifecycle.phase } : {}),
    ...(lifecycle.reason ? { reason: lifecycle.reason } : {}),
    generation,
    pid: host.pid,
    uptimeMs: lifecycle.uptimeMs,
    inFlight: Math.max(0, servers.inFlight - health.ownRequests),
    connections: servers.connections,
    tasks: tasks.size,
    ...withLast(lastUpgrade()),
  });
  const health = new Health({ settings: () => settings.health, host, lifecycle, report });
  const tasks: Tasks = new Tasks({
    host,
    signal: lifecycle.signal,
    mayStart: () => lifecycle.isRunning || servers.inFlight > 0 || tasks.size > 0,
    onUnheard: (name, error) => emit('task-failed', { name, error }),
    reason: () => lifecycle.reason ?? 'stop',
  });
  const servers: Servers = new Servers({
    host,
    health,
    goodbye: hooks.goodbye,
    // Outside a service, in tests above all, closing should not take a second.
    graceMs: () => (settings.signals ? settings.keepAliveGraceMs : 0),
    mayListen: () => lifecycle.isRunning,
    onListening: (server) => {
      process?.listeners.notice(server);
      readiness.noteAttached();
    },
    onUnattached: () => unattached.noteListening(),
    onSoftClose: (server) => process?.listeners.forget(server, lifecycle.reason === 'upgrade'),
  });
  const unattached = new UnattachedServers({
    host,
    emit,
    isStarting: () => lifecycle.status === 'starting',
    allClaimed: () => process?.inherited.allClaimed ?? true,
    hasAttached: () => servers.drains('app').some(({ isListening }) => isListening),
    takeAll: () => servers.takeAll(),
  });
  const afterWork = new HookList<Deadline>('afterWork');
  const state = wireState({ host, settings, emit, lifecycle, link, afterWork, upgradeFailed: hooks.upgradeFailed });
  const shutdown = new Shutdown({ host, lifecycle, servers, tasks, emit, afterWork, ...hooks });
  const readiness = new AutoReadiness({
    host,
    allClaimed: () => process?.inherited.allClaimed ?? true,
    settleMs: () => (link ? settings.minReadyMs : 0),
    onReady: () => {
      if (settings.readiness === 'auto') onReady();
    },
  });
  const process: Parts['process'] =
    scope === 'process'
      ? wireUpgrade({
          host,
          settings,
          emit,
          witnesses,
          report,
          lifecycle,
          hooks,
          servers,
          tasks,
          shutdown,
          readiness,
          state,
          link,
          generation,
        })
      : undefined;
  lifecycle.signal.addEventListener('abort', () => {
    unattached.settle();
    // Those that came after this process was ready, or kept it from getting there.
    otherListeners.look();
  });
  lastUpgrade = () => process?.upgrader.last;
  return {
    host,
    settings,
    generation,
    lifecycle,
    emit,
    servers,
    tasks,
    health,
    report,
    shutdown,
    readiness,
    hooks,
    state,
    otherListeners,
    unattached,
    process,
  };
}

/** For `shutdown()` alone, without a drain: its hooks have the time of a whole stop. */
export function hookDeadline({ host, settings }: Parts): Deadline {
  return new Deadline(host, settings.shutdownTimeoutMs);
}

function checkProtocol(theirs: string | undefined): void {
  if (theirs === undefined || theirs === String(PROTOCOL_VERSION)) return;
  throw new ByeError(
    'ERR_BYE_PROTOCOL',
    `Cannot take over as the old version speaks protocol ${theirs} and this one ${PROTOCOL_VERSION}: restart the service once instead of upgrading it`,
    { ours: PROTOCOL_VERSION, theirs },
  );
}

function withLast(lastUpgrade: LastUpgrade | undefined): { lastUpgrade?: LastUpgrade } {
  return lastUpgrade ? { lastUpgrade } : {};
}
