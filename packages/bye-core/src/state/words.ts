/** What two processes say to each other on the state pipe, beside the bytes. */

import { type ErrorMessage, isString, parseError } from '../channel/messages.js';
import { isVersion, type StateVersion } from '../options/state.js';

/** Raised when a word or the framing changes its meaning. Each transfer says it first, from either side. */
export const STATE_FORMAT = 1;

export type StateStage = 'save' | 'finish';

export type StateWord =
  /** New to old: what have you under this name? `load`: send it. `merge`: and what `finish` writes, later. */
  | {
      readonly word: 'want';
      readonly format: typeof STATE_FORMAT;
      readonly name: string;
      readonly load: boolean;
      readonly merge: boolean;
    }
  /** New to old: I cannot use it, and never become ready. */
  | { readonly word: 'refused'; readonly name: string; readonly version: StateVersion; readonly error: ErrorMessage }
  /** New to old: what `finish` wrote is taken in, or with an error: it is not. */
  | { readonly word: 'merged'; readonly name: string; readonly error: ErrorMessage | undefined }
  /**
   * Old to new, the answer to `want`, and the beginning of `finish`. `empty`: no bytes follow, as there is nothing under
   * that name. `more`: a second stage follows.
   */
  | {
      readonly word: 'begin';
      readonly format: typeof STATE_FORMAT;
      readonly stage: StateStage;
      readonly name: string;
      readonly version: StateVersion;
      readonly empty: boolean;
      readonly more: boolean;
    }
  /** Old to new: that was all of it. */
  | { readonly word: 'end' }
  /** Old to new: `finish` failed in the middle. */
  | { readonly word: 'broken'; readonly error: ErrorMessage };

/** What came over the pipe is not what a bye of this format writes. */
export class StatePipeError extends Error {
  override readonly name = 'StatePipeError';
}

/**
 * @returns `undefined` for a word that only another version knows
 * @throws {StatePipeError} If it is no word at all, of another format, or lacks what belongs to it
 */
export function parseWord(json: string): StateWord | undefined {
  const { word, format, name, stage, version, load, merge, empty, more, error } = parseObject(json);
  if ((word === 'want' || word === 'begin') && format !== STATE_FORMAT)
    throw new StatePipeError(`The other process speaks state format ${format} and this one ${STATE_FORMAT}`);
  switch (word) {
    case 'want':
      if (!isString(name) || !isFlag(load) || !isFlag(merge)) break;
      return { word, format: STATE_FORMAT, name, load, merge };
    case 'begin':
      if (!isString(name) || !isStage(stage) || !isVersion(version) || !isFlag(empty) || !isFlag(more)) break;
      return { word, format: STATE_FORMAT, name, stage, version, empty, more };
    case 'end':
      return { word };
    case 'refused': {
      const read = parseError(error);
      if (!isString(name) || !isVersion(version) || !read) break;
      return { word, name, version, error: read };
    }
    case 'merged': {
      const read = parseError(error);
      if (!isString(name) || (error !== undefined && !read)) break;
      return { word, name, error: read };
    }
    case 'broken': {
      const read = parseError(error);
      if (!read) break;
      return { word, error: read };
    }
    default:
      if (isString(word)) return undefined;
  }
  throw new StatePipeError(`What came over the state pipe is no word of it: ${json.slice(0, 200)}`);
}

function parseObject(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // Told below, with what it was.
  }
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new StatePipeError(`What came over the state pipe is no JSON object: ${json.slice(0, 200)}`);
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isStage(value: unknown): value is StateStage {
  return value === 'save' || value === 'finish';
}
