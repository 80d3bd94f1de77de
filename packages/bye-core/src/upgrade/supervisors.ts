/** Programs that watch the process they started: what each does when that one exits, and what to write instead. */

/** A program that ends, or starts a second copy, when the process it watches exits. */
export interface Supervisor {
  /** Stable slug. */
  readonly reason: string;
  readonly names: readonly string[];
  /** What it does when this process exits: "tini …". */
  readonly consequence: string;
  readonly remedy: string;
}

/** The cure inside a container. */
export const REPLACE_CONTAINER =
  'Let the orchestrator replace the container instead: SIGTERM stops this process without losing a request';

/** The cure wherever something stands between the service manager and Node. */
export const START_DIRECTLY = 'Start it with `node app.js`';

const STARTS_A_SECOND = 'starts a second copy beside the new process when this one exits';
const ENDS_WITH_IT = 'ends when this process exits, and takes along what runs below it';

/** Every supervisor known by name. */
export const SUPERVISORS: readonly Supervisor[] = [
  {
    reason: 'init-shim',
    names: ['tini', 'tini-static', 'dumb-init', 'docker-init', 'catatonit', 'podman-init'],
    consequence: 'ends the container when this process exits, the new process with it',
    remedy: REPLACE_CONTAINER,
  },
  {
    reason: 'runsv',
    names: ['runsv'],
    consequence: STARTS_A_SECOND,
    remedy: 'Restart it with `sv restart`, or run it as a systemd unit with PIDFile=',
  },
  {
    reason: 's6',
    names: ['s6-supervise', 's6-svscan'],
    consequence: STARTS_A_SECOND,
    remedy: 'Restart it with `s6-svc -r`, or run it as a systemd unit with PIDFile=',
  },
  {
    reason: 'supervisord',
    names: ['supervisord'],
    consequence: STARTS_A_SECOND,
    remedy: 'Restart it with `supervisorctl restart`, or run it as a systemd unit with PIDFile=',
  },
  {
    reason: 'supervisor',
    names: ['supervise', 'supervise-daemon', 'supervise-daemo', 'perpd', 'circusd', 'forever', 'immortal'],
    consequence: STARTS_A_SECOND,
    remedy: 'Restart it with the means of that supervisor, or run it as a systemd unit with PIDFile=',
  },
  {
    reason: 'package-runner',
    names: ['npm', 'npx', 'pnpm', 'pnpx', 'yarn', 'yarnpkg', 'bun', 'bunx', 'corepack'],
    consequence: ENDS_WITH_IT,
    remedy: `${START_DIRECTLY} instead of through a package script`,
  },
  {
    reason: 'tsx',
    names: ['tsx', 'ts-node-dev', 'tsnd'],
    consequence: ENDS_WITH_IT,
    remedy: 'Start it with `node --import tsx app.ts`, or build it and start it with `node app.js`',
  },
  {
    reason: 'nodemon',
    names: ['nodemon'],
    consequence: 'takes the exit of this process for a crash, and starts a second copy at the next change of a file',
    remedy: `${START_DIRECTLY}; nodemon restarts it at every change anyway`,
  },
  {
    reason: 'pm2',
    names: ['PM2', 'pm2', 'God Daemon', 'pm2-runtime'],
    consequence: STARTS_A_SECOND,
    remedy:
      'Take it out of pm2 (`pm2 delete`) and run it as a systemd unit with PIDFile=, or let it replace the process (`pm2 reload`)',
  },
];

/** The supervisor known by one of these names. */
export function findSupervisor(names: readonly string[]): Supervisor | undefined {
  return SUPERVISORS.find((supervisor) => supervisor.names.some((name) => names.includes(name)));
}
