// Checks that imports in a layered folder only go down its floors.
import { resolveImports } from './imports.mjs';

/**
 * @typedef {{ name: string, peers?: boolean, members: string[] }} Floor
 */

/**
 * @param {import('./source.mjs').Source[]} sources
 * @param {string} folder the layered folder, ending in "/"
 * @param {Floor[]} floors top to bottom
 */
export function findFloorBreaks(sources, folder, floors) {
  const inside = sources.filter(({ file }) => file.startsWith(folder));
  const places = new Map(inside.map(({ file }) => [file, findPlace(file.slice(folder.length), floors)]));
  const problems = [];
  for (const [file, { member, level }] of places) {
    if (level < 0)
      problems.push({
        file,
        line: 1,
        message: `"${member}" is on no floor; add it to the table in scripts/check-house.mjs`,
      });
  }
  for (const [file, edges] of resolveImports(inside)) {
    for (const { to, line } of edges) {
      const reason = explainBreak(places.get(file), places.get(to), floors);
      if (reason) problems.push({ file, line, message: reason });
    }
  }
  return problems;
}

/** `drain/http1.ts` belongs to the member `drain/`. */
function findPlace(name, floors) {
  const slash = name.indexOf('/');
  const member = slash < 0 ? name : name.slice(0, slash + 1);
  return { member, level: floors.findIndex(({ members }) => members.includes(member)) };
}

function explainBreak(from, to, floors) {
  if (from.level < 0 || to.level < 0 || from.level < to.level || from.member === to.member) return undefined;
  const [upper, lower] = [floors[to.level], floors[from.level]];
  if (from.level > to.level) {
    return `"${from.member}" (${lower.name}) imports "${to.member}" (${upper.name}) above it; pass it in, or move what it needs down`;
  }
  if (upper.peers) return undefined;
  return `"${from.member}" imports "${to.member}" on its own floor (${upper.name}); let a file above wire them, or move what both need down`;
}
