// Follows relative imports between the files of one package.
import path from 'node:path';

/**
 * @param {import('./source.mjs').Source[]} sources
 * @returns {Map<string, { to: string, line: number }[]>} for each file, the files that it imports
 */
export function resolveImports(sources) {
  const known = new Set(sources.map(({ file }) => file));
  return new Map(
    sources.map(({ file, imports }) => {
      const edges = imports.map(({ specifier, line }) => ({ to: resolve(file, specifier, known), line }));
      return [file, edges.filter(({ to }) => to !== undefined)];
    }),
  );
}

/** As the bundler does: `./x`, `./x.js` and `./x/` (its index) may all be TypeScript. */
function resolve(from, specifier, known) {
  if (!specifier.startsWith('.')) return undefined;
  const target = path.posix.join(path.posix.dirname(from), specifier).replace(/\/$/, '');
  const bare = target.replace(/\.([cm]?)js$/, '.$1ts');
  const candidates = [target, bare, `${target}.ts`, `${target}.mjs`, `${target}.js`, `${target}/index.ts`];
  return candidates.find((candidate) => known.has(candidate));
}

/**
 * Finds import cycles, type-only imports included: they make files as hard to understand apart.
 * @param {import('./source.mjs').Source[]} sources
 */
export function findCycles(sources) {
  const graph = resolveImports(sources);
  const problems = [];
  const seen = new Set();
  const trail = [];

  const visit = (file) => {
    seen.add(file);
    trail.push(file);
    for (const { to, line } of graph.get(file)) {
      const start = trail.indexOf(to);
      if (start >= 0) {
        const cycle = [...trail.slice(start), to].map((step) => step.replace(/^.*\/src\//, '')).join(' -> ');
        problems.push({
          file,
          line,
          message: `closes an import cycle: ${cycle}; move what both need into a file below them`,
        });
      } else if (!seen.has(to)) {
        visit(to);
      }
    }
    trail.pop();
  };
  for (const file of graph.keys()) if (!seen.has(file)) visit(file);
  return problems;
}
