// Puts a thin ES module before every CommonJS entry of a package, so that a process that uses both holds one copy.
// Run in the package's folder after tsup: `tsup && node ../../scripts/esm-wrapper.mjs`.
// For each dist/X.mjs in package.json "exports" it writes dist/X.mjs and its types, dist/X.d.mts.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'cjs-module-lexer';

wrapPackage(process.cwd());

/**
 * Wraps every entry of one built package.
 * @param {string} packageDir
 */
function wrapPackage(packageDir) {
  const manifest = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8'));
  for (const [entry, conditions] of Object.entries(manifest.exports)) {
    const target = conditions.import?.default;
    if (!target?.startsWith('./dist/') || !target.endsWith('.mjs')) continue;
    const base = path.join(packageDir, target.slice(0, -'.mjs'.length));
    if (!existsSync(`${base}.js`)) {
      throw new Error(`${manifest.name}: entry "${entry}" has no ${path.basename(base)}.js; add it to tsup.config.ts`);
    }
    wrapEntry(base);
  }
}

/**
 * @param {string} base an entry's path without its extension
 */
function wrapEntry(base) {
  const file = `./${path.basename(base)}.js`;
  const names = readExportNames(`${base}.js`);
  writeFileSync(`${base}.mjs`, renderModule(file, names));
  writeFileSync(`${base}.d.mts`, renderTypes(file, readFileSync(`${base}.d.ts`, 'utf8')));
}

/**
 * Reads the names without running the module, as some entries (register) act when loaded.
 * @param {string} file
 * @returns {{ named: string[], hasDefault: boolean }}
 */
function readExportNames(file) {
  const code = readFileSync(file, 'utf8');
  const { exports, reexports } = parse(code);
  if (reexports.length > 0) {
    throw new Error(`${file}: \`export * from '${reexports[0]}'\` hides its names; export them one by one`);
  }
  const named = exports.filter((name) => /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name));
  return {
    named: named.filter((name) => name !== 'default' && name !== '__esModule').sort(),
    // tsup's footer for a callable require(); the annotation that the lexer reads leaves the default out.
    hasDefault: exports.includes('default') || code.includes('module.exports = Object.assign(module.exports.default,'),
  };
}

/**
 * @param {string} file
 * @param {{ named: string[], hasDefault: boolean }} names
 */
function renderModule(file, { named, hasDefault }) {
  if (named.length === 0 && !hasDefault) return `import '${file}';\n`;
  return [
    `import cjs from '${file}';`,
    ...named.map((name) => `export const ${name} = cjs.${name};`),
    ...(hasDefault ? ['export default cjs.default;'] : []),
    '',
  ].join('\n');
}

/**
 * Types without a default are re-exported, so that a class is one type for both kinds of importer. A default cannot be
 * (an ES module sees all of module.exports as the default), so those types are copied; the chunks that they name stay
 * the CommonJS ones.
 * @param {string} file
 * @param {string} types content of the .d.ts
 */
function renderTypes(file, types) {
  const callable = /^(?:\/\/ @ts-ignore\r?\n)?export = (\w+);$/m;
  if (callable.test(types)) return types.replace(callable, 'export default $1;');
  if (/\bdefault\b/.test(types.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''))) return types;
  return `export * from '${file}';\n`;
}
