// Finds other versions of Node, and fetches what is not there.
// A version comes once from the npm package node-<platform>-<arch> and is kept in node_modules/.cache/bye.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../node_modules/.cache/bye', import.meta.url));

/**
 * @param {string} major
 * @returns {string} the executable
 */
export function findNode(major) {
  if (process.versions.node.split('.')[0] === major) return process.execPath;
  const dir = path.join(CACHE, `node-${major}`);
  const node = path.join(dir, 'bin/node');
  if (!existsSync(node)) fetchNode(major, dir);
  return node;
}

/**
 * @param {string} major
 * @param {string} dir appears whole or not at all, so that an interrupted download is not taken for a Node
 */
function fetchNode(major, dir) {
  const name = `node-${process.platform}-${process.arch}@${major}`;
  console.log(`fetching ${name}`);
  mkdirSync(CACHE, { recursive: true });
  const temporary = mkdtempSync(path.join(CACHE, 'fetch-'));
  try {
    run('npm', ['pack', name, '--silent', '--pack-destination', temporary]);
    const [tarball] = readdirSync(temporary);
    run('tar', ['-xzf', path.join(temporary, tarball), '-C', temporary]);
    rmSync(dir, { recursive: true, force: true });
    renameSync(path.join(temporary, 'package'), dir);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/**
 * Runs a command to its end; its output is not shown, its errors are.
 * @param {string} command
 * @param {string[]} args
 * @param {string} [cwd]
 */
export function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['inherit', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`, { cause: error ?? `exit code ${status}` });
}
