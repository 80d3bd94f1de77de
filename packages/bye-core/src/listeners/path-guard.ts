/**
 * Keeps a starting version from removing the socket paths that it inherits.
 *
 * `unlinkSync(path); listen(path)` is the usual idiom, but until the new process has taken over, the old one serves
 * there. Stands alone: a new process loads it before anything else.
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Name and way of answering of each function that removes a single path; `fs.promises` is `node:fs/promises`. */
const GUARDED: readonly [target: object, name: string, succeed: (args: readonly unknown[]) => unknown][] = [
  [fs, 'unlinkSync', () => undefined],
  [fs, 'rmSync', () => undefined],
  [fs, 'unlink', callBack],
  [fs, 'rm', callBack],
  [fs.promises, 'unlink', () => Promise.resolve()],
  [fs.promises, 'rm', () => Promise.resolve()],
];

/**
 * Makes `unlink` and `rm` of `node:fs` (synchronous, callback and promise; CommonJS and ESM imports) succeed without
 * doing anything on exactly these paths, however they are spelt: relative, as Buffer or URL, through a linked directory.
 *
 * Does not guard against a rename, a recursive removal of a directory above, or another program (`rm` in a shell).
 *
 * @param paths absolute paths
 * @returns takes the guard off; functions that the application kept a reference to work as usual then
 */
export function guardPaths(paths: readonly string[]): () => void {
  if (paths.length === 0) return () => {};
  const guarded = new Set(paths.flatMap((path) => [resolve(path), withRealDirectory(path)]));
  const names = new Set(paths.map((path) => basename(path)));
  let active = true;

  const isGuarded = (input: unknown) => {
    const path = active ? toPath(input) : undefined;
    // The look at the file system is for paths of that name alone.
    if (path === undefined || !names.has(basename(path))) return false;
    return guarded.has(resolve(path)) || guarded.has(withRealDirectory(path));
  };
  const restores = GUARDED.map(([target, name, succeed]) => replaceFunction(target, name, isGuarded, succeed));
  syncBuiltinESMExports();

  return () => {
    active = false;
    for (const restore of restores) restore();
    syncBuiltinESMExports();
  };
}

function replaceFunction(
  target: object,
  name: string,
  isGuarded: (input: unknown) => boolean,
  succeed: (args: readonly unknown[]) => unknown,
): () => void {
  const original = Reflect.get(target, name) as (...args: unknown[]) => unknown;
  function guard(this: unknown, ...args: unknown[]): unknown {
    return isGuarded(args[0]) ? succeed(args) : Reflect.apply(original, this, args);
  }
  Object.defineProperty(guard, 'name', { value: original.name });
  Object.defineProperty(guard, 'length', { value: original.length });
  Reflect.set(target, name, guard);
  return () => {
    // Somebody may have wrapped it in turn: then the guard stays beneath, and only passes calls on.
    if (Reflect.get(target, name) === guard) Reflect.set(target, name, original);
  };
}

function callBack(args: readonly unknown[]): void {
  const callback = args.at(-1);
  if (typeof callback === 'function') process.nextTick(callback as (error: null) => void, null);
}

function toPath(input: unknown): string | undefined {
  if (typeof input === 'string') return input;
  if (input instanceof Uint8Array) return Buffer.from(input).toString();
  try {
    return input instanceof URL ? fileURLToPath(input) : undefined;
  } catch {
    return undefined;
  }
}

/** `dirname` leaves `..` alone, and the native call follows links before it, as the kernel does. */
function withRealDirectory(path: string): string {
  try {
    return resolve(fs.realpathSync.native(dirname(path)), basename(path));
  } catch {
    return resolve(path);
  }
}
