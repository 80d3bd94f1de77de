/** What to do about each error that the command may print. */

import type { ByeErrorCode } from '../errors.js';

const ADVICE: Partial<Record<ByeErrorCode, string>> = {
  ERR_BYE_USAGE: 'see bye --help',
  ERR_BYE_CONTROL_GARBAGE: "give the path that the service's option controlSocket names",
  ERR_BYE_CONTROL_REQUEST: 'use the command of the version that the service runs',
  ERR_BYE_CONTROL_LOST: "see bye status, and the service's log",
  ERR_BYE_CONTROL_TIMEOUT: "see bye status and the service's log: what was asked for may still go on",
  ERR_BYE_INTERRUPTED: 'see bye status --watch',
  ERR_BYE_SERVICE_ENDED: "see the service's log, and start it",
  ERR_BYE_UPGRADE_IN_PROGRESS: 'wait for it: bye status --watch',
  ERR_BYE_PREDECESSOR_DRAINING: 'wait for it, or end it now: bye upgrade --force',
  ERR_BYE_NOT_READY: 'wait until it is ready: bye status --watch',
  ERR_BYE_SHUTTING_DOWN: 'ask again when another process serves: bye status',
  ERR_BYE_UPGRADE_UNAVAILABLE: 'use processBye(), and name what to run with the option successor',
  ERR_BYE_UPGRADE_HOOK: 'look at the cause: a hook of the old process failed',
  ERR_BYE_UPGRADE_SPAWN: 'put back what is missing, or name another with the option successor',
  ERR_BYE_UPGRADE_EXITED: "look at the cause, and at what the new process printed to the service's log",
  ERR_BYE_UPGRADE_TIMEOUT: "find what it waited for in the service's log, or raise upgradeTimeoutMs",
  ERR_BYE_UPGRADE_ABORTED: 'start the service again if the stop was not meant',
  ERR_BYE_UPGRADE_CHANNEL_LOST: 'look for code that closes descriptors it did not open',
  ERR_BYE_STATE_REFUSED: 'let the new version read what this one writes, or restart the service without its state',
  ERR_BYE_STATE_SAVE: 'look at the cause: saving failed in the old process',
  ERR_BYE_PROTOCOL: 'restart the service once',
};

const NO_SERVICE: Readonly<Record<string, string>> = {
  'no-socket':
    'start the service with the option controlSocket, or with BYE_CONTROL_SOCKET set, and give the same path',
  'nobody-listens': 'start the service: what is there was left by a process that has ended',
  permission: "run this as the service's user, or as root",
  'no-pid-file': 'start the service with the option pidFile, or with PIDFILE set, and give the same path',
  'no-pid': 'give the file that the option pidFile or PIDFILE names',
  'stale-pid-file': 'start the service: the file was left by a process that has ended',
};

/** The errors that the command knows; of any other it prints what the service says. */
export const ADVISED_CODES = [...Object.keys(ADVICE), 'ERR_BYE_NO_SERVICE'];

/** @returns `undefined` if the message itself says it, or nobody knows */
export function adviseOn(code: string | undefined, data: Readonly<Record<string, unknown>> = {}): string | undefined {
  if (code === 'ERR_BYE_NO_SERVICE') return NO_SERVICE[String(data['reason'])];
  return ADVICE[code as ByeErrorCode];
}
