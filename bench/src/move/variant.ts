/** Owns copies of the built bye-core with another window, the constant of drain/move/mover.ts: no option for users. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const CORE = new URL('../../../packages/bye-core/', import.meta.url);
/** Below bench, so that a copy finds what bye-core needs. */
const COPIES = new URL('../../node_modules/.cache/bye/', import.meta.url);
const CONSTANT = /\bvar WINDOW = (\d+);/;

/**
 * @param window - how many connections are on their way at once
 * @returns the file to import
 * @throws {Error} If the constant is not where it was, so that a copy would be like the original.
 */
export function buildVariant(window: number): string {
  const copy = new URL(`core-window-${window}/`, COPIES);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const name of ['dist', 'bin', 'package.json'])
    cpSync(new URL(name, CORE), new URL(name, copy), { recursive: true });
  const file = findConstant(new URL('dist/', copy));
  writeFileSync(file, readFileSync(file, 'utf8').replace(CONSTANT, `var WINDOW = ${window};`));
  return new URL('dist/index.mjs', copy).href;
}

/** @returns the window that bye-core has */
export function builtWindow(): number {
  const text = readFileSync(findConstant(new URL('dist/', CORE)), 'utf8');
  return Number(CONSTANT.exec(text)?.[1]);
}

function findConstant(dist: URL): URL {
  const files = readdirSync(dist).map((name) => new URL(name, dist));
  const found = files.filter((file) => /\.js$/.test(file.pathname) && CONSTANT.test(readFileSync(file, 'utf8')));
  if (found.length !== 1) throw new Error(`The window of bye-core was found in ${found.length} files instead of one`);
  return found[0] as URL;
}
