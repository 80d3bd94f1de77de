/** The rules of the pre-flight: one function for each way an upgrade can lose the service. */

import type { Host } from '../host.js';
import { findSupervisor, REPLACE_CONTAINER, START_DIRECTLY } from './supervisors.js';
import { isPassThrough, namesOf, type ParentProcess, type Surroundings } from './surroundings.js';

/** Why an upgrade would lose the service. */
export interface Danger {
  /** Stable slug: `pid-1`, `init-shim`, `package-runner`, … */
  readonly reason: string;
  /** "Cannot upgrade as …" */
  readonly message: string;
  /** What to write instead. */
  readonly remedy: string;
}

export interface Ancestor extends ParentProcess {
  readonly pid: number;
}

/** What the rules look at. */
export interface Scene {
  readonly host: Host;
  readonly generation: number;
  readonly pidFile: string | undefined;
  readonly hasForeignChannel: boolean;
  readonly surroundings: Surroundings;
  /** From the parent up, as far as each one ends with the one below it. */
  readonly ancestors: readonly Ancestor[];
}

/** What PID 1 is called on a machine, where processes without a parent are at home. */
const MACHINE_INITS: readonly string[] = ['systemd', 'init', 'openrc-init', 'runit', 'launchd'];

/** The cause that is nearest to the cure first: a worker of pm2 is a cluster worker too. */
export const DANGER_RULES: readonly ((scene: Scene) => Danger | undefined)[] = [
  checkRuntime,
  checkThread,
  checkPm2,
  checkCluster,
  checkClusterPrimary,
  checkWatch,
  checkPidOne,
  checkSupervisors,
  checkChannel,
  checkSystemd,
  checkEntrypoint,
];

function checkRuntime({ host, surroundings: { runtime } }: Scene): Danger | undefined {
  if (host.platform === 'win32') {
    return refuse('windows', 'Windows cannot pass listening sockets on', 'Upgrades need Linux or macOS');
  }
  if (runtime === 'node') return undefined;
  const name = runtime === 'bun' ? 'Bun' : 'Deno';
  return refuse(runtime, `${name} cannot pass listening sockets on`, `${START_DIRECTLY}, under Node`);
}

function checkThread({ surroundings }: Scene): Danger | undefined {
  if (surroundings.isMainThread) return undefined;
  return refuse(
    'worker-thread',
    'this is a worker thread',
    'Call upgrade() in the main thread, which owns the process',
  );
}

function checkPm2({ surroundings: { readVariable } }: Scene): Danger | undefined {
  if (readVariable('pm_id') === undefined) return undefined;
  return refuseSupervisor('pm2', ['pm2']);
}

function checkCluster({ surroundings: { isClusterWorker, readVariable } }: Scene): Danger | undefined {
  if (!isClusterWorker && readVariable('NODE_UNIQUE_ID') === undefined) return undefined;
  return refuse(
    'cluster-worker',
    'this process is a cluster worker, and its primary owns the listening sockets',
    'Let the primary fork a new worker and stop this one with SIGTERM, or start one process with `node app.js`',
  );
}

function checkClusterPrimary({ surroundings: { clusterWorkers } }: Scene): Danger | undefined {
  if (clusterWorkers === 0) return undefined;
  return refuse(
    'cluster-primary',
    'this process is the primary of a cluster: its listening sockets belong to node:cluster, and its workers end with it',
    'Fork new workers one by one and stop the old ones with SIGTERM, or start one process with `node app.js`',
  );
}

function checkWatch({ surroundings: { readVariable } }: Scene): Danger | undefined {
  if (readVariable('WATCH_REPORT_DEPENDENCIES') === undefined) return undefined;
  return refuse(
    'node-watch',
    '`node --watch` is its parent, and starts a second copy at the next change of a file',
    `${START_DIRECTLY}, without --watch`,
  );
}

function checkPidOne({ host }: Scene): Danger | undefined {
  if (host.pid !== 1) return undefined;
  const why = 'this process is PID 1 of its container: when it exits, the kernel kills the new process too';
  return refuse('pid-1', why, REPLACE_CONTAINER);
}

function checkSupervisors({ ancestors }: Scene): Danger | undefined {
  for (const ancestor of ancestors) {
    const names = namesOf(ancestor);
    const found = findSupervisor(names);
    if (found !== undefined) return refuseSupervisor(names.find((name) => found.names.includes(name)) ?? '', names);
  }
  return undefined;
}

function checkChannel({ hasForeignChannel }: Scene): Danger | undefined {
  if (!hasForeignChannel) return undefined;
  return refuse(
    'foreign-channel',
    'the parent that forked it (it has an IPC channel) takes its exit for the end of the service',
    `${START_DIRECTLY}, or spawn it without 'ipc' in stdio`,
  );
}

function checkSystemd({ host, pidFile, generation, ancestors, surroundings }: Scene): Danger | undefined {
  if (generation > 0 || pidFile !== undefined) return undefined;
  const execPid = surroundings.readVariable('SYSTEMD_EXEC_PID');
  const pids = [host.pid, ...ancestors.filter(isPassThrough).map((ancestor) => ancestor.pid)];
  // systemd before 248 sets only INVOCATION_ID, which a shell in a desktop session inherits as well.
  const isOldMain =
    execPid === undefined && surroundings.readVariable('INVOCATION_ID') !== undefined && host.ppid === 1;
  if (!isOldMain && !pids.some((pid) => String(pid) === execPid)) return undefined;
  const hasSocket = surroundings.readVariable('NOTIFY_SOCKET') !== undefined;
  const notify = hasSocket ? ' (this version does not send MAINPID= to its NOTIFY_SOCKET yet)' : '';
  return refuse(
    'systemd-main',
    `this is the main process of a systemd unit that has no PID file: systemd stops the unit when it exits${notify}`,
    'Set PIDFile=/run/app.pid in the unit and PIDFILE=/run/app.pid in its environment',
  );
}

function checkEntrypoint({ ancestors }: Scene): Danger | undefined {
  const first = ancestors.find((ancestor) => ancestor.pid === 1);
  if (first === undefined || namesOf(first).some((name) => MACHINE_INITS.includes(name))) return undefined;
  const why = `its parent, PID 1, is ${first.name}: when that ends, the container and the new process do`;
  return refuse('container-entrypoint', why, REPLACE_CONTAINER);
}

function refuseSupervisor(name: string, names: readonly string[]): Danger | undefined {
  const supervisor = findSupervisor(names);
  if (supervisor === undefined) return undefined;
  return refuse(supervisor.reason, `${name} started it and ${supervisor.consequence}`, supervisor.remedy);
}

function refuse(reason: string, why: string, remedy: string): Danger {
  return { reason, message: `Cannot upgrade as ${why}`, remedy };
}
