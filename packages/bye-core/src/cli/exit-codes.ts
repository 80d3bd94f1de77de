/** What the exit code of the command says; docs/command.md has the same table. */

import { constants } from 'node:os';
import type { ErrorMessage } from '../channel/messages.js';
import type { ByeErrorCode } from '../errors.js';
import type { CommandResult } from './result.js';

export const EXIT_CODES = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  'no-service': 4,
  unknown: 5,
} as const;

export type ExitKind = keyof typeof EXIT_CODES;

/** Errors that are no failure of what was asked for. */
const KINDS: Partial<Record<ByeErrorCode, ExitKind>> = {
  ERR_BYE_USAGE: 'usage',
  ERR_BYE_UPGRADE_IN_PROGRESS: 'refused',
  ERR_BYE_PREDECESSOR_DRAINING: 'refused',
  ERR_BYE_UPGRADE_UNSAFE: 'refused',
  ERR_BYE_UPGRADE_UNAVAILABLE: 'refused',
  ERR_BYE_NOT_READY: 'refused',
  ERR_BYE_SHUTTING_DOWN: 'refused',
  ERR_BYE_CONTROL_REQUEST: 'refused',
  ERR_BYE_NO_SERVICE: 'no-service',
  ERR_BYE_CONTROL_GARBAGE: 'no-service',
  ERR_BYE_CONTROL_LOST: 'unknown',
  ERR_BYE_CONTROL_TIMEOUT: 'unknown',
};

export function kindOfError({ code }: ErrorMessage): ExitKind {
  return KINDS[code as ByeErrorCode] ?? 'failed';
}

export function exitCodeOf(result: CommandResult): number {
  if (!result.ok) {
    const { code, data } = result.error;
    // As every shell says it: 130 after Ctrl-C.
    if (code === 'ERR_BYE_INTERRUPTED') return 128 + constants.signals[data?.['signal'] as NodeJS.Signals];
    return EXIT_CODES[kindOfError(result.error)];
  }
  if (result.request === 'status') return EXIT_CODES[result.status.status === 'ready' ? 'done' : 'failed'];
  return EXIT_CODES[(result.drain?.cut.length ?? 0) > 0 ? 'failed' : 'done'];
}
