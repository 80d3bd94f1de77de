/** Reads one option: from its variable, which wins, from what the application gave, or its default. */

import { resolve } from 'node:path';
import { readOptionVariable, readVariable } from '../env.js';
import { ByeError } from '../errors.js';
import { canHandle } from '../host.js';
import type { Logger } from '../types.js';
import { type HealthSettings, resolveHealth } from './health.js';
import { resolveSection, type StateHandlers } from './state.js';
import { createStderrLogger, isLogLevel } from './stderr-logger.js';
import type { Settings } from './types.js';

const KUBERNETES_DELAY_MS = 5000;
const MOST_MS = 2 ** 31 - 1;

/** @param workMs what of a stop is there for the delay and for requests, in milliseconds */
export function readDelay(value: unknown, workMs: number): number {
  const chosen = readOptionVariable('shutdownDelayMs').value ?? value ?? 'auto';
  if (chosen !== 'auto') return readDuration('shutdownDelayMs', value, 0);
  if (!readVariable('KUBERNETES_SERVICE_HOST')) return 0;
  return Math.max(0, Math.min(KUBERNETES_DELAY_MS, Math.floor(workMs / 2)));
}

export function readDuration(option: string, value: unknown, standard: number): number {
  const { name, value: text } = readOptionVariable(option);
  if (text !== undefined) {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number <= MOST_MS) return number;
    throw environmentError(name, text, `a whole number of milliseconds, at most ${MOST_MS}`);
  }
  if (value === undefined) return standard;
  if (typeof value !== 'number') {
    throw new TypeError(`Option '${option}' must be a number of milliseconds: got ${typeof value}`);
  }
  if (value >= 0 && value <= MOST_MS) return value;
  throw new RangeError(`Option '${option}' must be from 0 to ${MOST_MS} milliseconds: got ${value}`);
}

export function readSignals(
  option: string,
  value: unknown,
  standard: readonly NodeJS.Signals[],
): readonly NodeJS.Signals[] {
  const { name, value: text } = readOptionVariable(option);
  const list = text?.split(',').map((signal) => signal.trim()) ?? value ?? standard;
  if (!Array.isArray(list))
    throw new TypeError(`Option '${option}' must be an array of signal names: got ${typeof list}`);
  for (const signal of list) {
    if (canHandle(signal)) continue;
    const expected = `signal names like SIGTERM, and neither SIGKILL nor SIGSTOP, which can't be handled`;
    if (text !== undefined) throw environmentError(name, text, expected);
    throw new RangeError(`Option '${option}' must hold ${expected}: got ${JSON.stringify(signal)}`);
  }
  return [...new Set(list as NodeJS.Signals[])];
}

export function readWord<Word extends string>(
  option: string,
  value: unknown,
  words: readonly Word[],
  standard: Word,
): Word {
  const { name, value: text } = readOptionVariable(option);
  const chosen = text ?? value ?? standard;
  if (words.includes(chosen as Word)) return chosen as Word;
  const expected = `one of ${words.join(', ')}`;
  if (text !== undefined) throw environmentError(name, text, expected);
  throw new RangeError(`Option '${option}' must be ${expected}: got ${JSON.stringify(value)}`);
}

/** Health options, of which text from the environment says only on, off or the prefix. */
export function readHealth(value: unknown): HealthSettings | undefined {
  const { name, value: text } = readOptionVariable('health');
  if (text === undefined) return resolveHealth(value ?? true);
  try {
    return resolveHealth(text);
  } catch {
    throw environmentError(name, text, "true, false or a path prefix that begins with '/'");
  }
}

export function readMoveConnections(value: unknown): Settings['moveConnections'] {
  const { name, value: text } = readOptionVariable('moveConnections');
  const chosen = text === 'false' ? false : (text ?? value ?? 'auto');
  if (chosen === 'auto' || chosen === false) return chosen;
  if (text !== undefined) throw environmentError(name, text, 'auto or false');
  if (typeof chosen === 'function') return chosen as Settings['moveConnections'];
  throw new RangeError(`Option 'moveConnections' must be 'auto', false or a function: got ${JSON.stringify(value)}`);
}

export function readFlag(option: string, value: unknown, standard: boolean): boolean {
  const { name, value: text } = readOptionVariable(option);
  if (text !== undefined) {
    if (text === 'true' || text === 'false') return text === 'true';
    throw environmentError(name, text, 'true or false');
  }
  if (value === undefined) return standard;
  if (typeof value === 'boolean') return value;
  throw new TypeError(`Option '${option}' must be true or false: got ${typeof value}`);
}

export function readText(option: string, value: unknown): string | undefined {
  const chosen = readOptionVariable(option).value ?? value;
  if (chosen === undefined || (typeof chosen === 'string' && chosen !== '')) return chosen;
  throw new TypeError(`Option '${option}' must be a non-empty string: got ${JSON.stringify(chosen)}`);
}

/** @returns it absolute */
export function readSocketPath(option: string, value: unknown): string | undefined {
  const path = readText(option, value);
  if (!path?.includes('\0')) return absolute(path);
  // Abstract names know no owner and no mode: anybody could connect.
  throw new RangeError(`Option '${option}' must be a path in the file system: got ${JSON.stringify(path)}`);
}

/** From the start, as the application may change its directory. */
export function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path);
}

export function readSuccessor<T>(value: unknown): T | undefined {
  if (value === undefined || typeof value === 'function' || (typeof value === 'object' && value !== null)) {
    return value as T | undefined;
  }
  throw new TypeError(`Option 'successor' must be an object or a function that returns one: got ${typeof value}`);
}

/** The section of the option `state`. */
export const APP_STATE = 'app';

export function readState(value: unknown): StateHandlers | undefined {
  return value === undefined ? undefined : resolveSection(APP_STATE, value, "Option 'state'").handlers;
}

export function readLogger(value: unknown, pid: number): Logger {
  if (value === false) return createStderrLogger('silent', pid);
  if (value !== undefined) {
    const missing = ['debug', 'info', 'warn', 'error'].find(
      (level) => typeof (value as Record<string, unknown> | null)?.[level] !== 'function',
    );
    if (missing === undefined) return value as Logger;
    throw new TypeError(`Option 'logger' must have the method ${missing}(), as pino's has: or be false`);
  }
  const level = readVariable('BYE_LOG') || 'warn';
  if (isLogLevel(level)) return createStderrLogger(level, pid);
  throw environmentError('BYE_LOG', level, 'one of debug, info, warn, error, silent');
}

function environmentError(variable: string, value: string, expected: string): ByeError {
  return new ByeError('ERR_BYE_ENVIRONMENT', `Variable ${variable} must be ${expected}: got ${JSON.stringify(value)}`, {
    variable,
    value,
  });
}
