// Runs the tests that need root, systemd and other real components: `npm run test:system [-- vitest arguments]`.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'system', ...process.argv.slice(2)], {
  cwd: root,
  env: { ...process.env, BYE_SYSTEM: '1' },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
