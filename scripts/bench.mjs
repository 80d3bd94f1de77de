// Runs a measurement: `npm run bench:drops [-- options]`. Builds the suite first, and installs what it is measured against.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './node-versions.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BENCH = path.join(ROOT, 'bench');

const [name, ...args] = process.argv.slice(2);
const main = path.join(BENCH, 'src', name ?? '', 'main.ts');
if (name === undefined || !existsSync(main)) {
  console.error('Say which measurement: npm run bench:drops, npm run bench:move, npm run bench:overhead');
  process.exit(2);
}

run('npm', ['run', 'build', '--silent'], ROOT);
if (isStale()) {
  console.log('installing what bye is measured against: npm ci --prefix bench');
  run('npm', ['ci', '--prefix', BENCH, '--no-audit', '--no-fund'], ROOT);
}
const child = spawnSync(process.execPath, ['--import', 'tsx', main, ...args], { cwd: ROOT, stdio: 'inherit' });
process.exitCode = child.status ?? 1;

/** npm writes the second file at the end of each install. */
function isStale() {
  const installed = path.join(BENCH, 'node_modules/.package-lock.json');
  return (
    !existsSync(installed) || statSync(installed).mtimeMs < statSync(path.join(BENCH, 'package-lock.json')).mtimeMs
  );
}
