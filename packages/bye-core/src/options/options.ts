/** The options of bye: their defaults and checks. Code beats default, environment beats code. */

import cluster from 'node:cluster';
import { isMainThread } from 'node:worker_threads';
import { readVariable, underTestRunner } from '../env.js';
import {
  absolute,
  readDelay,
  readDuration,
  readFlag,
  readHealth,
  readLogger,
  readMoveConnections,
  readSignals,
  readSocketPath,
  readState,
  readSuccessor,
  readText,
  readWord,
} from './readers.js';
import type { ByeOptions, Settings } from './types.js';

/** The durations with their defaults, in milliseconds. */
export const DURATIONS = {
  keepAliveGraceMs: 1000,
  shutdownTimeoutMs: 25_000,
  closeReserveMs: 3000,
  upgradeTimeoutMs: 60_000,
  minReadyMs: 1000,
  upgradeDrainTimeoutMs: 300_000,
  closeSpreadMs: 1000,
} as const;

/** Every option by name; a test compares it with the documented table. */
export const OPTION_NAMES: readonly (keyof ByeOptions)[] = [
  'stopSignals',
  'upgradeSignals',
  'shutdownDelayMs',
  ...(Object.keys(DURATIONS) as (keyof typeof DURATIONS)[]),
  'readiness',
  'successor',
  'pidFile',
  'controlSocket',
  'state',
  'health',
  'logger',
  'signals',
  'exit',
  'allowUnsafeUpgrade',
  'moveConnections',
];

/**
 * @param scope `'process'` for the process's one instance, which handles signals and exits
 * @throws {TypeError} If an option is unknown or of the wrong type
 * @throws {RangeError} If a number or word is out of range
 * @throws {ByeError} If a variable that overrides one is malformed (`ERR_BYE_ENVIRONMENT`)
 */
export function resolveOptions(options: ByeOptions, scope: 'process' | 'plain', pid: number): Settings {
  for (const name of Object.keys(options)) {
    if (!(OPTION_NAMES as readonly string[]).includes(name)) {
      throw new TypeError(`Unknown option '${name}': bye knows ${OPTION_NAMES.join(', ')}`);
    }
  }
  const shutdownTimeoutMs = readDuration('shutdownTimeoutMs', options.shutdownTimeoutMs, DURATIONS.shutdownTimeoutMs);
  const standardReserveMs = Math.min(DURATIONS.closeReserveMs, Math.floor(shutdownTimeoutMs / 4));
  const closeReserveMs = readDuration('closeReserveMs', options.closeReserveMs, standardReserveMs);
  const upgradeTimeoutMs = readDuration('upgradeTimeoutMs', options.upgradeTimeoutMs, DURATIONS.upgradeTimeoutMs);
  const standardMinReadyMs = Math.min(DURATIONS.minReadyMs, Math.floor(upgradeTimeoutMs / 4));
  const processWide = scope === 'process' && isMainThread && !underTestRunner();
  const signals = readFlag('signals', options.signals, processWide);
  const exit = readFlag('exit', options.exit, processWide);
  const settings: Settings = {
    stopSignals: readSignals('stopSignals', options.stopSignals, ['SIGTERM', 'SIGINT', 'SIGQUIT']),
    upgradeSignals: readSignals('upgradeSignals', options.upgradeSignals, ['SIGUSR1']),
    shutdownDelayMs: readDelay(options.shutdownDelayMs, shutdownTimeoutMs - closeReserveMs),
    keepAliveGraceMs: readDuration('keepAliveGraceMs', options.keepAliveGraceMs, DURATIONS.keepAliveGraceMs),
    shutdownTimeoutMs,
    closeReserveMs,
    minReadyMs: readDuration('minReadyMs', options.minReadyMs, standardMinReadyMs),
    upgradeTimeoutMs,
    upgradeDrainTimeoutMs: readDuration(
      'upgradeDrainTimeoutMs',
      options.upgradeDrainTimeoutMs,
      DURATIONS.upgradeDrainTimeoutMs,
    ),
    closeSpreadMs: readDuration('closeSpreadMs', options.closeSpreadMs, DURATIONS.closeSpreadMs),
    readiness: readWord('readiness', options.readiness, ['auto', 'manual'], 'auto'),
    successor: readSuccessor(options.successor),
    pidFile: absolute(readVariable('PIDFILE') || readText('pidFile', options.pidFile)),
    controlSocket: readSocketPath('controlSocket', options.controlSocket),
    state: readState(options.state),
    health: readHealth(options.health),
    logger: readLogger(options.logger, pid),
    hasOwnLogger: options.logger !== undefined,
    signals,
    exit,
    ownsProcess: scope === 'process' && isMainThread && !cluster.isWorker && (processWide || signals || exit),
    allowUnsafeUpgrade: readFlag('allowUnsafeUpgrade', options.allowUnsafeUpgrade, false),
    moveConnections: readMoveConnections(options.moveConnections),
  };
  if (settings.closeReserveMs > settings.shutdownTimeoutMs) {
    throw new RangeError(
      `Option 'closeReserveMs' must not exceed shutdownTimeoutMs: ${settings.closeReserveMs} > ${settings.shutdownTimeoutMs}`,
    );
  }
  const workMs = settings.shutdownTimeoutMs - settings.closeReserveMs;
  if (settings.shutdownDelayMs > workMs) {
    throw new RangeError(
      `Option 'shutdownDelayMs' must leave time for requests: ${settings.shutdownDelayMs} > ${workMs} (shutdownTimeoutMs less closeReserveMs)`,
    );
  }
  if (settings.minReadyMs >= upgradeTimeoutMs && settings.minReadyMs > 0) {
    throw new RangeError(
      `Option 'minReadyMs' must be below upgradeTimeoutMs, or no upgrade ends: ${settings.minReadyMs} >= ${upgradeTimeoutMs}`,
    );
  }
  const both = settings.stopSignals.find((signal) => settings.upgradeSignals.includes(signal));
  if (both) throw new RangeError(`Signal ${both} can't be in both stopSignals and upgradeSignals`);
  return settings;
}
