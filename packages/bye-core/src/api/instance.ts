/** The one instance of the process, shared by every copy of bye-core that is loaded into it. */

import { ByeError } from '../errors.js';

const MAJOR = 1;
const PREFIX = 'bye.process/';

interface Slot<Instance> {
  readonly major: number;
  readonly path: string;
  instance?: Instance;
  options?: object;
}

/**
 * Finds or makes the slot. Two copies of the same major (ESM and CJS, two installed versions) share one: there is one
 * handler for each signal. Another major cannot join, as both would answer the same signal.
 *
 * @throws {ByeError} If another major holds it (`ERR_BYE_DUPLICATE`)
 */
function processSlot<Instance>(path: string): Slot<Instance> {
  const globals = globalThis as unknown as Record<symbol, Slot<Instance> | undefined>;
  const symbol = Symbol.for(`${PREFIX}${MAJOR}`);
  const own = globals[symbol];
  if (own) return own;
  for (const other of Object.getOwnPropertySymbols(globalThis)) {
    const key = Symbol.keyFor(other);
    const slot = globals[other];
    if (!key?.startsWith(PREFIX) || !slot) continue;
    throw new ByeError(
      'ERR_BYE_DUPLICATE',
      `Cannot use bye-core at ${path} as another major version of it runs in this process, from ${slot.path}: install one version (npm ls bye-core)`,
      { paths: [slot.path, path] },
    );
  }
  const slot: Slot<Instance> = { major: MAJOR, path };
  Object.defineProperty(globalThis, symbol, { value: slot, configurable: true });
  return slot;
}

/**
 * @param options `undefined`: whoever comes next may still give them
 * @throws {ByeError} If `options` asks for something the instance was not made with (`ERR_BYE_OPTIONS_CONFLICT`)
 */
export function obtainInstance<Instance>(
  path: string,
  options: object | undefined,
  { create, configure }: { create: () => Instance; configure: (instance: Instance) => void },
): Instance {
  const slot = processSlot<Instance>(path);
  const isNew = slot.instance === undefined;
  slot.instance ??= create();
  if (options === undefined) return slot.instance;
  if (!isNew && slot.options === undefined) configure(slot.instance);
  slot.options ??= options;
  const conflicts = conflictingOptions(slot.options, options);
  if (conflicts.length === 0) return slot.instance;
  throw new ByeError(
    'ERR_BYE_OPTIONS_CONFLICT',
    `Cannot change ${conflicts.join(', ')} as this process's instance was made with other options: give all options at the first call`,
    { options: conflicts },
  );
}

/** What of `asked` an instance made with `first` would not honour. */
function conflictingOptions(first: object, asked: object): string[] {
  return Object.entries(asked).flatMap(([name, value]) =>
    value === undefined || isEqual((first as Record<string, unknown>)[name], value) ? [] : [name],
  );
}

function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => isEqual(Reflect.get(one, key), Reflect.get(other, key)));
}
