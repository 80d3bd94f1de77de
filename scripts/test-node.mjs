// Runs the tests on other versions of Node: `npm run test:node -- 24 [vitest arguments]`, `npm run test:matrix`.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNode, run } from './node-versions.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const args = process.argv.slice(2);
const firstOther = args.findIndex((arg) => !/^\d+$/.test(arg));
const majors = firstOther < 0 ? args : args.slice(0, firstOther);
const vitestArgs = firstOther < 0 ? [] : args.slice(firstOther);
if (majors.length === 0) {
  console.error('Say which versions: npm run test:node -- 22 24 [vitest arguments]');
  process.exit(2);
}

// The machine's Node builds, as users get what one version has built.
run('npm', ['run', 'build', '--silent'], ROOT);

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
