// Runs the tests on other versions of Node: `npm run test:node -- 24 [vitest arguments]`, `npm run test:matrix`.
// A version comes once from the npm package node-<platform>-<arch> and is kept in node_modules/.cache/bye.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = path.join(ROOT, 'node_modules/.cache/bye');

const args = process.argv.slice(2);
const firstOther = args.findIndex((arg) => !/^\d+$/.test(arg));
const majors = firstOther < 0 ? args : args.slice(0, firstOther);
const vitestArgs = firstOther < 0 ? [] : args.slice(firstOther);
if (majors.length === 0) {
  console.error('Say which versions: npm run test:node -- 22 24 [vitest arguments]');
  process.exit(2);
}

// The machine's Node builds, as users get what one version has built.
run('npm', ['run', 'build', '--silent'], process.env);

let worst = 0;
const summary = [];
for (const major of majors) {
  const node = findNode(major);
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(`\n== Node ${version}`);
  const status = runTests(node);
  worst = Math.max(worst, status);
  summary.push(`Node ${version}: ${status === 0 ? 'passed' : `failed (exit code ${status})`}`);
}
console.log(`\n${summary.join('\n')}`);
process.exitCode = worst;

/**
 * @param {string} major
 * @returns {string} the executable
 */
function findNode(major) {
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
    run('npm', ['pack', name, '--silent', '--pack-destination', temporary], process.env);
    const [tarball] = readdirSync(temporary);
    run('tar', ['-xzf', path.join(temporary, tarball), '-C', temporary], process.env);
    rmSync(dir, { recursive: true, force: true });
    renameSync(path.join(temporary, 'package'), dir);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/**
 * @param {string} node
 * @returns {number} vitest's exit code
 */
function runTests(node) {
  // Programs that the tests start by the name `node`, and through npm, are that version too.
  const env = {
    ...process.env,
    PATH: [path.dirname(node), process.env.PATH].join(path.delimiter),
    NODE: node,
    npm_node_execpath: node,
  };
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  return spawnSync(node, [vitest, 'run', ...vitestArgs], { cwd: ROOT, env, stdio: 'inherit' }).status ?? 1;
}

function run(command, commandArgs, env) {
  const { status, error } = spawnSync(command, commandArgs, {
    cwd: ROOT,
    env,
    stdio: ['inherit', 'ignore', 'inherit'],
  });
  if (status !== 0)
    throw new Error(`${command} ${commandArgs.join(' ')} failed`, { cause: error ?? `exit code ${status}` });
}
