/** Errors of a transfer of state. */

import { type ErrorMessage, toErrorMessage } from '../channel/messages.js';
import { ByeError } from '../errors.js';
import type { StateVersion } from '../options/state.js';

/** An error's text is the application's, and so may be of any length: a word is not. */
const MOST_ERROR_CHARACTERS = 100_000;

export function lostError(name: string, why: string, cause?: unknown): ByeError {
  return new ByeError('ERR_BYE_STATE_LOST', `State '${name}' was not carried over as ${why}`, { name }, cause);
}

export function saveError(name: string, cause: unknown): ByeError {
  return new ByeError('ERR_BYE_STATE_SAVE', `Cannot upgrade as saving the state '${name}' failed`, { name }, cause);
}

export function refusedError(name: string, version: StateVersion, cause: unknown): ByeError {
  return new ByeError(
    'ERR_BYE_STATE_REFUSED',
    `Cannot upgrade as the new version refuses the state '${name}', version ${version}`,
    { name, version },
    cause,
  );
}

export function pipeError(pid: number, cause: unknown): ByeError {
  return new ByeError(
    'ERR_BYE_UPGRADE_CHANNEL_LOST',
    `Cannot upgrade as the new process ${pid} wrote to its state pipe what nobody can read`,
    { pid },
    cause,
  );
}

/** An error on its way over the pipe. */
export function toStateErrorMessage(error: unknown): ErrorMessage {
  const message = toErrorMessage(error);
  if (JSON.stringify(message).length <= MOST_ERROR_CHARACTERS) return message;
  return { name: message.name.slice(0, 100), message: message.message.slice(0, 1000) };
}
