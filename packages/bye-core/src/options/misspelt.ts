/** Finds variables that were meant for bye and that it does not know: without a word they would change nothing. */

import { HANDOVER_VARIABLES, optionVariable, variablesWith } from '../env.js';
import { OPTION_NAMES } from './options.js';

const PREFIX = 'BYE_';

/** @returns a sentence for each variable whose name is close to a known one; others are somebody else's */
export function describeMisspelt(): string[] {
  const known = [...OPTION_NAMES.map(optionVariable), `${PREFIX}LOG`, ...HANDOVER_VARIABLES];
  return variablesWith(PREFIX).flatMap((name) => {
    if (known.includes(name)) return [];
    const meant = known.find((other) => isClose(essence(name), essence(other)));
    return meant === undefined ? [] : [`variable ${name} has no meaning: ${meant} has`];
  });
}

/** Without what is forgotten most easily: underscores, and the unit at the end. */
function essence(name: string): string {
  return name.slice(PREFIX.length).toUpperCase().replace(/_?MS$/, '').replaceAll('_', '');
}

function isClose(name: string, known: string): boolean {
  return distance(name, known) <= Math.min(2, Math.floor(known.length / 5));
}

/** How many letters have to be put in, taken out or changed (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [at, otherLetter] of [...other].entries()) {
      const changed = (row[at] as number) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(changed, (row[at + 1] as number) + 1, (next[at] as number) + 1));
    }
    row = next;
  }
  return row[other.length] as number;
}
