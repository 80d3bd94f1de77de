import { defineConfig } from 'vitest/config';

// Unit tests run first, then the ones with real processes, so that neither slows the other down.
// The built packages run as users get them: loaded by Node itself, never transformed.
const server = { deps: { external: [/\/dist\//] } };
const realProcesses = {
  server,
  pool: 'forks',
  maxWorkers: 3,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  retry: 0,
} as const;

const unit = {
  test: {
    name: 'unit',
    server,
    include: [
      'packages/*/test/**/*.test.ts',
      'scripts/test/**/*.test.ts',
      'testkit/test/**/*.test.ts',
      'bench/test/**/*.test.ts',
    ],
  },
};
const processes = {
  test: {
    ...realProcesses,
    name: 'process',
    sequence: { groupOrder: 1 },
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/system/**', '**/node_modules/**'],
  },
};
// Needs root, systemd and other real components: `npm run test:system`.
const system = {
  test: { ...realProcesses, name: 'system', sequence: { groupOrder: 2 }, include: ['tests/system/**/*.test.ts'] },
};

export default defineConfig({
  test: { projects: process.env['BYE_SYSTEM'] === '1' ? [unit, processes, system] : [unit, processes] },
});
