/** Asks before an upgrade whether our exit after it would end or lose the service. */

import type { Host } from '../host.js';
import { type Ancestor, DANGER_RULES, type Danger, type Scene } from './dangers.js';
import { isPassThrough, readSurroundings, type Surroundings } from './surroundings.js';

export type { Danger } from './dangers.js';

/** What `findDanger` is told; `surroundings` is for tests. */
export interface PreflightInput {
  readonly host: Host;
  readonly generation: number;
  /** The PID file that `ready()` writes, from the option or from `PIDFILE`. */
  readonly pidFile: string | undefined;
  /** Whether `process.channel` belongs to a parent that is not bye. */
  readonly hasForeignChannel: boolean;
  readonly surroundings?: Surroundings;
}

/** `sh -c` in npm, in a run script, in a container: more in a row than this is not a chain of wrappers any more. */
const MOST_ANCESTORS = 6;

/**
 * Finds what would end or lose the service if this process handed over and exited.
 *
 * It looks at names and environment, so it knows what it was taught and nothing else: an unknown parent is no danger.
 * In the new process of an upgrade the parents do not count, as they are the old process and then init.
 *
 * @returns the first danger, or `undefined`
 */
export function findDanger(input: PreflightInput): Danger | undefined {
  const surroundings = input.surroundings ?? readSurroundings();
  const ancestors = input.generation === 0 ? readAncestors(input.host, surroundings) : [];
  const scene: Scene = { ...input, surroundings, ancestors };
  for (const rule of DANGER_RULES) {
    const danger = rule(scene);
    if (danger !== undefined) return danger;
  }
  return undefined;
}

function readAncestors(host: Host, { readParent }: Surroundings): Ancestor[] {
  const ancestors: Ancestor[] = [];
  let pid = host.ppid;
  while (pid > 0 && ancestors.length < MOST_ANCESTORS) {
    const parent = readParent(pid);
    if (parent === undefined) break;
    ancestors.push({ ...parent, pid });
    if (!isPassThrough(parent)) break;
    pid = parent.ppid;
  }
  return ancestors;
}
