/** What an attempt at an upgrade may fail with. */

import { PROTOCOL_VERSION } from '../channel/messages.js';
import { ByeError } from '../errors.js';

export function spawnError(file: string, cause: unknown): ByeError {
  return new ByeError('ERR_BYE_UPGRADE_SPAWN', `Cannot start the new process with ${file}`, { file }, cause);
}

export function protocolError(theirs: number): ByeError {
  return new ByeError(
    'ERR_BYE_PROTOCOL',
    `Cannot upgrade as the new version speaks protocol ${theirs} and this one ${PROTOCOL_VERSION}: restart the service once instead`,
    { ours: PROTOCOL_VERSION, theirs },
  );
}

export function exitError(
  pid: number,
  exitCode: number | null,
  signal: string | null,
  cause: unknown,
  wasReady = false,
): ByeError {
  const how = signal === null ? `exited with code ${exitCode}` : `was ended by ${signal}`;
  return new ByeError(
    'ERR_BYE_UPGRADE_EXITED',
    `Cannot upgrade as the new process ${pid} ${how} before it ${wasReady ? 'had taken over' : 'was ready'}`,
    { pid, exitCode, signal },
    cause,
  );
}

export function timeoutError(pid: number, timeoutMs: number, cause: unknown): ByeError {
  return new ByeError(
    'ERR_BYE_UPGRADE_TIMEOUT',
    `Cannot upgrade as the new process ${pid} did not become ready: waited ${timeoutMs} ms (upgradeTimeoutMs)`,
    { pid, timeoutMs },
    cause,
  );
}

/** @param what it did: `closed its readiness pipe` */
export function lostError(pid: number, what: string, cause: unknown): ByeError {
  const message = `Cannot upgrade as the new process ${pid} ${what}`;
  return new ByeError('ERR_BYE_UPGRADE_CHANNEL_LOST', message, { pid }, cause);
}
