/** State as a plain value, on top of the bytes. */

import type { Readable, Writable } from 'node:stream';
import { deserialize, serialize } from 'node:v8';
import { resolveSection, type StateHandlers, type StateVersion } from '../options/state.js';
import { isThenable } from './carriage.js';

/** As `StateHandlers`, with values where those have streams. */
export interface ValueStateHandlers<T, F> {
  /** @defaultValue 1 */
  version?: StateVersion;
  /** @defaultValue `[version]` */
  reads?: readonly StateVersion[] | 'any';
  /** Old process: the state. */
  save?(): T | Promise<T>;
  /** New process, before it is ready. `value` is what the version in `about` saved. */
  load?(value: T, about: { version: StateVersion; signal: AbortSignal }): unknown;
  /** Old process, after its last request and task: what has changed since `save`. */
  finish?(): F | Promise<F>;
  /** New process, which serves already. */
  merge?(value: F, about: { version: StateVersion; signal: AbortSignal }): unknown;
  /** Old process: the upgrade failed after `save` had begun. */
  rollback?(error: unknown): unknown;
}

/**
 * State that is one value, held in memory as a whole while it is carried over. Copied by structured clone (node:v8): maps, sets,
 * dates, typed arrays, buffers and circles survive; functions are an error, and instances of classes arrive as plain
 * objects.
 *
 * @example Sessions survive an upgrade
 * ```ts
 * let sessions = new Map<string, string>();
 * const bye = processBye({
 *   state: valueState({
 *     save: () => sessions,
 *     load: (old) => {
 *       sessions = old;
 *     },
 *   }),
 * });
 * ```
 */
export function valueState<T, F = unknown>(handlers: ValueStateHandlers<T, F>): StateHandlers {
  resolveSection('value', handlers, 'valueState()');
  const { save, load, finish, merge, ...rest } = handlers;
  return {
    ...rest,
    ...(save && { save: async (stream) => write(stream, save.call(handlers)) }),
    ...(load && { load: async (stream, about) => load.call(handlers, await read<T>(stream), about) }),
    ...(finish && { finish: async (stream) => write(stream, finish.call(handlers)) }),
    ...(merge && { merge: async (stream, about) => merge.call(handlers, await read<F>(stream), about) }),
  };
}

/** A value that is there is copied in this same turn: what it is a part of may change at once, and `finish` tells of that. */
async function write(stream: Writable, value: unknown): Promise<void> {
  stream.write(serialize(isThenable(value) ? await value : value));
}

async function read<T>(stream: Readable): Promise<T> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return deserialize(Buffer.concat(chunks)) as T;
}
