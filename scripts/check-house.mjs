// Checks the rules of the house that biome cannot know, and prints file:line with what to do.
// The floors are below, what only some files may use is in house/uses.mjs; the other files of house/ apply them.
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findFloorBreaks } from './house/floors.mjs';
import { findCycles } from './house/imports.mjs';
import { findLeaks, findLongFiles, findUses } from './house/lines.mjs';
import { readSources } from './house/source.mjs';
import { USES } from './house/uses.mjs';

const MAX_LINES = 250;

/**
 * The floors of packages/bye-core/src, top to bottom. Imports only go down. Files of one folder may import each other;
 * `peers` says that the members of the floor may too. A folder ends in "/".
 */
const FLOORS = [
  { name: 'entry', peers: true, members: ['index.ts', 'register.ts', 'testing.ts', 'preload.ts', 'api/', 'cli/'] },
  { name: 'wiring', members: ['wiring/'] },
  { name: 'composition', peers: true, members: ['servers.ts', 'shutdown.ts', 'process-control.ts', 'supervisor/'] },
  {
    name: 'capabilities',
    members: ['listeners/', 'upgrade/', 'drain/', 'systemd/', 'control/', 'share/', 'state/', 'tls/'],
  },
  {
    name: 'mechanisms',
    peers: true,
    members: [
      'lifecycle.ts',
      'tasks.ts',
      'hooks.ts',
      'goodbye.ts',
      'signals.ts',
      'signal-hooks.ts',
      'held-signals.ts',
      'other-listeners.ts',
      'unattached.ts',
      'health.ts',
      'readiness.ts',
      'early-inspector.ts',
      'pid-file.ts',
      'server-tap.ts',
      'options/',
      'channel/',
    ],
  },
  {
    name: 'ground',
    peers: true,
    members: [
      'errors.ts',
      'status.ts',
      'env.ts',
      'deadline.ts',
      'diagnostics.ts',
      'host.ts',
      'internals.ts',
      'internals-moving.ts',
      'internals-tls.ts',
      'native.ts',
      'proc.ts',
      'socket-path-limits.ts',
      'types.ts',
      'version.ts',
      'wording.ts',
    ],
  },
];

const CORE = 'packages/bye-core/src/';

/**
 * Checks a checkout.
 * @param {string} root
 * @returns {{ file: string, line: number, message: string }[]} sorted by file and line; empty when all is well
 */
export function checkTree(root) {
  const { all, sources, longest } = readSources(root);
  const problems = [
    ...findLongFiles(longest, MAX_LINES),
    ...findFloorBreaks(sources, CORE, FLOORS),
    ...findCycles(sources),
    ...findUses(sources, USES),
    ...findLeaks(root, all),
  ];
  return problems.sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const problems = checkTree(fileURLToPath(new URL('..', import.meta.url)));
  for (const { file, line, message } of problems) console.error(`${file}:${line} ${message}`);
  if (problems.length > 0) {
    console.error(`${problems.length} breach${problems.length > 1 ? 'es' : ''} of the house rules`);
    process.exitCode = 1;
  }
}
