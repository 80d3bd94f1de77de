/** The environment of the next process: that of the first one, plus what `successor.env` says. */

import { ByeError } from '../errors.js';
import { stripNodeOptions } from './exec-argv.js';

export type Environment = Record<string, string>;

/** What to put back to get the first process's environment: `null` takes a variable out. */
export type EnvironmentUndo = Readonly<Record<string, string | null>>;

/**
 * Node's own for a child that is watched or a worker. In the next process, which has another parent, they would describe
 * a channel that is not there.
 */
const PARENT_BOUND = ['NODE_UNIQUE_ID', 'WATCH_REPORT_DEPENDENCIES'];

/**
 * Builds the environment of the next process.
 *
 * Every generation gets the first one's environment plus its own overrides, so that an override which a version no
 * longer makes is gone. A debugger, a watcher or a profiler in `NODE_OPTIONS` is left out.
 *
 * @param initial - the environment this process was started with
 * @param undo - what its predecessor changed in it
 * @param overrides - `successor.env`; `undefined` removes
 * @returns the environment, and what the next process has to undo in its turn
 */
export function buildEnvironment(
  initial: Readonly<Environment>,
  undo: EnvironmentUndo,
  overrides: Readonly<Record<string, string | undefined>>,
): { env: Environment; undo: EnvironmentUndo } {
  const env = new Map(Object.entries(initial));
  for (const [name, value] of Object.entries(undo)) setVariable(env, name, value);
  for (const name of PARENT_BOUND) env.delete(name);
  const nodeOptions = env.get('NODE_OPTIONS');
  if (nodeOptions !== undefined) setVariable(env, 'NODE_OPTIONS', stripNodeOptions(nodeOptions) || null);

  const undoNext = new Map<string, string | null>();
  for (const [name, value] of Object.entries(overrides)) {
    undoNext.set(name, env.get(name) ?? null);
    setVariable(env, name, value ?? null);
  }
  return { env: Object.fromEntries(env), undo: Object.fromEntries(undoNext) };
}

function setVariable(env: Map<string, string>, name: string, value: string | null): void {
  if (value === null) env.delete(name);
  else env.set(name, value);
}

/** Reads `BYE_FIRST_ENVIRONMENT`. @throws {ByeError} If it is not what an old process writes (ERR_BYE_ENVIRONMENT) */
export function parseUndo(text: string | undefined): EnvironmentUndo {
  if (text === undefined || text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (isUndo(value)) return value;
  throw new ByeError(
    'ERR_BYE_ENVIRONMENT',
    'Cannot use BYE_FIRST_ENVIRONMENT as it is not an object of strings and nulls. It is set by the process that starts this one, never by hand: unset it',
    { variable: 'BYE_FIRST_ENVIRONMENT', value: text },
  );
}

function isUndo(value: unknown): value is EnvironmentUndo {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((entry) => entry === null || typeof entry === 'string');
}
