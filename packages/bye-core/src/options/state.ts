/** What an application gives to have its state carried from one process to the next: the option `state`, and `addState()`. */

import type { Readable, Writable } from 'node:stream';

/** The version of what an application writes. Compared with `===`. */
export type StateVersion = number | string;

/**
 * How one section of the state leaves the old process and enters the new one. All are optional: a process may have only
 * one half of it.
 */
export interface StateHandlers {
  /** The version of what `save` and `finish` write here. @defaultValue 1 */
  version?: StateVersion;
  /** The versions that `load` and `merge` understand; any other fails the upgrade. @defaultValue `[version]` */
  reads?: readonly StateVersion[] | 'any';
  /**
   * Old process, in full service, once the new one has asked: write the state. When the promise it returns resolves, the
   * stream is ended; without a promise `save` ends it itself. A throw fails the upgrade (`ERR_BYE_STATE_SAVE`).
   *
   * The signal is aborted when the upgrade has failed meanwhile; the stream is destroyed then.
   */
  save?(stream: Writable, about: { signal: AbortSignal }): unknown;
  /**
   * New process, before it is ready: read it. Done when the promise it returns resolves, and without a promise when the
   * stream was read to its end. A throw fails the upgrade (`ERR_BYE_STATE_REFUSED`), and the old process ends this one.
   *
   * The signal is aborted when the old process has died meanwhile; the stream is destroyed then.
   */
  load?(stream: Readable, about: { version: StateVersion; signal: AbortSignal }): unknown;
  /** Old process, replaced, after its last request and task, before its close hooks: what has changed since `save`. */
  finish?(stream: Writable, about: { signal: AbortSignal }): unknown;
  /** New process, which serves already: take in what `finish` wrote. */
  merge?(stream: Readable, about: { version: StateVersion; signal: AbortSignal }): unknown;
  /** Old process: the upgrade failed after `save` had begun, with this error. */
  rollback?(error: unknown): unknown;
}

/** One section after its checks. */
export interface StateSection {
  readonly name: string;
  readonly version: StateVersion;
  readonly handlers: StateHandlers;
  reads(version: StateVersion): boolean;
}

const FUNCTIONS = ['save', 'load', 'finish', 'merge', 'rollback'] as const;
const MOST_NAME_LENGTH = 200;

/**
 * @param what how the caller names the handlers: `Option 'state'`
 * @throws {TypeError | RangeError} If the name or a handler is not what it should be
 */
export function resolveSection(name: unknown, handlers: unknown, what = `State '${name}'`): StateSection {
  if (typeof name !== 'string') throw new TypeError(`A state's name must be a string: got ${typeof name}`);
  if (name === '' || name.length > MOST_NAME_LENGTH)
    throw new RangeError(`A state's name must have 1 to ${MOST_NAME_LENGTH} characters: got ${name.length}`);
  if (typeof handlers !== 'object' || handlers === null)
    throw new TypeError(`${what} must be an object with save and load: got ${typeof handlers}`);
  const given = handlers as StateHandlers;
  for (const key of Object.keys(given)) {
    if (![...FUNCTIONS, 'version', 'reads'].includes(key)) throw new TypeError(`${what} has an unknown field '${key}'`);
  }
  for (const key of FUNCTIONS) {
    if (given[key] !== undefined && typeof given[key] !== 'function')
      throw new TypeError(`${what} must have a function as '${key}': got ${typeof given[key]}`);
  }
  if (FUNCTIONS.every((key) => given[key] === undefined))
    throw new TypeError(`${what} must have one of ${FUNCTIONS.join(', ')}`);
  const { version = 1, reads = [version] } = given;
  if (!isVersion(version)) throw new TypeError(`${what} must have a number or a string as 'version'`);
  if (reads !== 'any' && !(Array.isArray(reads) && reads.every(isVersion)))
    throw new TypeError(`${what} must have a list of numbers and strings as 'reads', or 'any'`);
  return { name, version, handlers: given, reads: (other) => reads === 'any' || reads.includes(other) };
}

export function isVersion(value: unknown): value is StateVersion {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
}
