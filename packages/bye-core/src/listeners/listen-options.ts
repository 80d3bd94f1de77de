/** The options of a `listen()`, which Node reads after bye has changed them, and which are the application's own. */

import type { ListenOptions } from 'node:net';

type Options = ListenOptions & { fd?: number };

/**
 * Puts the options back once `listen()` has returned: Fastify uses the same object again for the second address of
 * localhost.
 *
 * @returns false if nobody may change them
 */
export function borrowOptions(options: Options, original: Readonly<Options>): boolean {
  if (!Object.isExtensible(options)) return false;
  process.nextTick(() => {
    for (const name of ['fd', 'path', 'readableAll', 'writableAll'] as const) {
      if (name in original) Object.assign(options, { [name]: original[name] });
      else delete options[name];
    }
  });
  return true;
}

/** There is no way to hand a listener to a `listen()` whose options are frozen, as configuration libraries give them. */
export function frozenOptions(key: string): TypeError {
  return new TypeError(
    `Cannot adopt ${key} as the options given to listen() are frozen: pass a copy of them, listen({ ...options })`,
  );
}
