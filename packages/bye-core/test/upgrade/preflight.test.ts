import { expect, test } from 'vitest';
import type { SurroundingVariable } from '../../src/env.js';
import { type Host, realHost } from '../../src/host.js';
import { type Danger, findDanger } from '../../src/upgrade/preflight.js';
import { namesOf, type ParentProcess, readParent, type Surroundings } from '../../src/upgrade/surroundings.js';

interface Scene {
  pid?: number;
  platform?: NodeJS.Platform;
  generation?: number;
  pidFile?: string;
  hasForeignChannel?: boolean;
  variables?: Partial<Record<SurroundingVariable, string>>;
  /** From the parent up; the last one's parent is PID 1, which is systemd unless it is itself in the list. */
  parents?: readonly { pid?: number; name: string; commandLine?: readonly string[] }[];
  surroundings?: Partial<Surroundings>;
}

const BASH = { name: 'bash', commandLine: ['-bash'] };
const SYSTEMD: ParentProcess = { name: 'systemd', commandLine: ['/sbin/init'], ppid: 0 };

function examine(scene: Scene): Danger | undefined {
  const processes = new Map<number, ParentProcess>([[1, SYSTEMD]]);
  const parents = (scene.parents ?? [BASH]).map((parent, index) => ({ pid: 500 - index, ...parent }));
  parents.forEach(({ pid, name, commandLine = [name] }, index) => {
    processes.set(pid, { name, commandLine, ppid: pid === 1 ? 0 : (parents[index + 1]?.pid ?? 1) });
  });
  const host: Host = {
    ...realHost,
    pid: scene.pid ?? 1000,
    ppid: parents[0]?.pid ?? 1,
    platform: scene.platform ?? 'linux',
  };
  return findDanger({
    host,
    generation: scene.generation ?? 0,
    pidFile: scene.pidFile,
    hasForeignChannel: scene.hasForeignChannel ?? false,
    surroundings: {
      runtime: 'node',
      isMainThread: true,
      isClusterWorker: false,
      clusterWorkers: 0,
      readVariable: (name) => scene.variables?.[name],
      readParent: (pid) => processes.get(pid),
      ...scene.surroundings,
    },
  });
}

test('findDanger() has nothing against a process that a person started in a shell', () => {
  expect(examine({})).toBeUndefined();
  expect(examine({ parents: [{ name: 'zsh', commandLine: ['zsh', '-i'] }] })).toBeUndefined();
});

test('findDanger() has nothing against an unknown parent, or one that cannot be looked at', () => {
  expect(examine({ parents: [{ name: 'node', commandLine: ['node', 'runner.js', 'npm'] }] })).toBeUndefined();
  expect(examine({ surroundings: { readParent: () => undefined } })).toBeUndefined();
});

test('findDanger() looks at this very process when it is given no surroundings', () => {
  expect(findDanger({ host: realHost, generation: 1, pidFile: undefined, hasForeignChannel: false })).toBeUndefined();
});

test.skipIf(process.platform !== 'linux')('readParent() names a real process and its parent', () => {
  const self = readParent(process.pid);
  expect(self).toMatchObject({ ppid: process.ppid });
  expect(namesOf(self!)).toContain('node');
  expect(readParent(2 ** 22 + 1)).toBeUndefined();
});

const RULES: readonly [title: string, scene: Scene, reason: string, text: RegExp][] = [
  ['Windows', { platform: 'win32' }, 'windows', /Linux or macOS/],
  ['Bun', { surroundings: { runtime: 'bun' } }, 'bun', /under Node/],
  ['Deno', { surroundings: { runtime: 'deno' } }, 'deno', /under Node/],
  ['a worker thread', { surroundings: { isMainThread: false } }, 'worker-thread', /main thread/],
  ['a cluster worker', { surroundings: { isClusterWorker: true } }, 'cluster-worker', /primary/],
  ['a cluster primary', { surroundings: { clusterWorkers: 2 } }, 'cluster-primary', /Fork new workers/],
  ['NODE_UNIQUE_ID', { variables: { NODE_UNIQUE_ID: '1' } }, 'cluster-worker', /primary/],
  ['pm_id', { variables: { pm_id: '0' }, surroundings: { isClusterWorker: true } }, 'pm2', /pm2 delete/],
  [
    'node --watch',
    { variables: { WATCH_REPORT_DEPENDENCIES: '1' }, hasForeignChannel: true },
    'node-watch',
    /without --watch/,
  ],
  ['PID 1', { pid: 1, parents: [] }, 'pid-1', /orchestrator/],
  ['a foreign IPC parent', { hasForeignChannel: true }, 'foreign-channel', /'ipc' in stdio/],
  [
    'the main process of a systemd unit',
    { parents: [], variables: { SYSTEMD_EXEC_PID: '1000' } },
    'systemd-main',
    /PIDFile=.*PIDFILE=/,
  ],
  [
    'the main process of a unit of an older systemd',
    { parents: [], variables: { INVOCATION_ID: 'a0' } },
    'systemd-main',
    /PIDFile=/,
  ],
  [
    'NOTIFY_SOCKET alone',
    { parents: [], variables: { SYSTEMD_EXEC_PID: '1000', NOTIFY_SOCKET: '/run/n' } },
    'systemd-main',
    /MAINPID=.*PIDFile=/s,
  ],
  [
    'a script as the main process of a systemd unit',
    {
      parents: [{ pid: 77, name: 'start.sh', commandLine: ['/bin/sh', '/opt/start.sh'] }],
      variables: { SYSTEMD_EXEC_PID: '77' },
    },
    'systemd-main',
    /PIDFile=/,
  ],
  [
    "a container's shell entrypoint",
    { parents: [{ pid: 1, name: 'sh', commandLine: ['/bin/sh', '-c', 'node app.js; true'] }] },
    'container-entrypoint',
    /orchestrator/,
  ],
  [
    'a shell below an entrypoint',
    {
      parents: [
        { name: 'sh', commandLine: ['/bin/sh', '/start.sh'] },
        { pid: 1, name: 'entry', commandLine: ['/entry'] },
      ],
    },
    'container-entrypoint',
    /entry/,
  ],
];

test.each(RULES)('findDanger() refuses %s and names the remedy', (_title, scene, reason, text) => {
  const danger = examine(scene);
  expect(danger).toMatchObject({ reason });
  expect(danger?.message).toMatch(/^Cannot upgrade as /);
  expect(`${danger?.message}. ${danger?.remedy}`).toMatch(text);
});

const SUPERVISORS: readonly [name: string, commandLine: readonly string[], reason: string][] = [
  ['tini', ['/usr/bin/tini', '--', 'node', 'app.js'], 'init-shim'],
  ['docker-init', ['/sbin/docker-init', '--', 'node', 'app.js'], 'init-shim'],
  ['dumb-init', ['dumb-init', 'node', 'app.js'], 'init-shim'],
  ['catatonit', ['/dev/init', '--', 'node', 'app.js'], 'init-shim'],
  ['runsv', ['runsv', 'app'], 'runsv'],
  ['s6-supervise', ['s6-supervise', 'app'], 's6'],
  ['s6-svscan', ['s6-svscan', '/run/service'], 's6'],
  ['supervisord', ['/usr/bin/python3', '/usr/bin/supervisord', '-n'], 'supervisord'],
  ['python3.11', ['/usr/bin/python3.11', '/usr/bin/supervisord'], 'supervisord'],
  ['npm start', ['npm start', '', ''], 'package-runner'],
  ['npm run dev --x', ['npm run dev --x'], 'package-runner'],
  ['node', ['node', '/usr/lib/node_modules/npm/bin/npm-cli.js', 'start'], 'package-runner'],
  ['node', ['/usr/bin/node', '/usr/bin/npx', 'serve'], 'package-runner'],
  ['MainThread', ['node', '/usr/local/bin/pnpm', 'start'], 'package-runner'],
  ['node', ['node', '/x/.cache/node/corepack/v1/pnpm/9.1.0/bin/pnpm.cjs', 'start'], 'package-runner'],
  ['node', ['node', '/app/.yarn/releases/yarn-4.9.1.cjs', 'start'], 'package-runner'],
  ['node', ['node', '/usr/share/yarn/bin/yarn.js', 'start'], 'package-runner'],
  ['bun', ['bun', 'run', 'start'], 'package-runner'],
  ['node', ['node', '/app/node_modules/.bin/tsx', 'app.ts'], 'tsx'],
  ['node', ['node', '--no-warnings', '/app/node_modules/tsx/dist/cli.mjs', 'app.ts'], 'tsx'],
  ['node', ['node', '-r', 'dotenv/config', '/app/node_modules/.bin/nodemon', 'app.js'], 'nodemon'],
  ['node', ['node', '/app/node_modules/nodemon/bin/nodemon.js', 'app.js'], 'nodemon'],
  ['PM2 v6.0.8: God', ['PM2 v6.0.8: God Daemon (/root/.pm2)'], 'pm2'],
  ['node', ['node', '/usr/bin/pm2-runtime', 'app.js'], 'pm2'],
  ['supervise-daemo', ['supervise-daemon', 'app', '--start'], 'supervisor'],
];

test.each(SUPERVISORS)('findDanger() knows %s %j', (name, commandLine, reason) => {
  expect(examine({ parents: [{ name, commandLine }] })?.reason).toBe(reason);
});

test.each([
  ['sh -c', { name: 'sh', commandLine: ['sh', '-c', 'node app.js'] }],
  ['a run script', { name: 'run', commandLine: ['/bin/sh', './run'] }],
  ['cross-env', { name: 'node', commandLine: ['node', '/app/node_modules/.bin/cross-env', 'A=1', 'node', 'app.js'] }],
])('findDanger() looks through %s at the supervisor behind', (_title, wrapper) => {
  const danger = examine({ parents: [wrapper, { name: 'npm start' }] });
  expect(danger).toMatchObject({ reason: 'package-runner', message: expect.stringContaining('npm') });
});

test('findDanger() does not look behind a shell that a person types into', () => {
  expect(examine({ parents: [BASH, { name: 'npm exec bash' }] })).toBeUndefined();
  const inEditor = { name: 'bash', commandLine: ['bash', '--init-file', '/usr/share/code/i.sh'] };
  expect(examine({ parents: [inEditor, { name: 'npm exec code' }] })).toBeUndefined();
});

test('findDanger() accepts the main process of a systemd unit with a PID file', () => {
  const variables = { SYSTEMD_EXEC_PID: '1000', INVOCATION_ID: 'a0' };
  expect(examine({ parents: [], variables, pidFile: '/run/app.pid' })).toBeUndefined();
});

test('findDanger() takes no other process of a unit or a desktop session for its main one', () => {
  expect(examine({ variables: { SYSTEMD_EXEC_PID: '44', INVOCATION_ID: 'a0' } })).toBeUndefined();
  expect(examine({ parents: [], variables: { SYSTEMD_EXEC_PID: '44', INVOCATION_ID: 'a0' } })).toBeUndefined();
  expect(examine({ variables: { INVOCATION_ID: 'a0' } })).toBeUndefined();
});

test('findDanger() does not hold its parents against the new process of an upgrade, but its environment', () => {
  expect(examine({ generation: 1, parents: [{ name: 'tini' }] })).toBeUndefined();
  expect(examine({ generation: 1, parents: [{ pid: 1, name: 'sleep' }] })).toBeUndefined();
  expect(examine({ generation: 1, parents: [], variables: { INVOCATION_ID: 'a0' } })).toBeUndefined();
  const variables = { SYSTEMD_EXEC_PID: '44', INVOCATION_ID: 'a0' };
  expect(examine({ generation: 3, parents: [], variables, pidFile: '/run/app.pid' })).toBeUndefined();
  expect(examine({ generation: 1, variables: { pm_id: '0' } })?.reason).toBe('pm2');
});

test('namesOf() does not take an argument of a script for the script', () => {
  expect(namesOf({ name: 'node', commandLine: ['node', 'runner.js', 'tsx'], ppid: 1 })).not.toContain('tsx');
});
