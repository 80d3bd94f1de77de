/** The options of bye as an application gives them, and as they are after their checks. */

import type { Socket } from 'node:net';
import type { Logger } from '../types.js';
import type { HealthOptions, HealthSettings } from './health.js';
import type { StateHandlers } from './state.js';

/** What runs at an upgrade, where it differs from how this process was started. */
export interface SuccessorOptions {
  /** The Node to run: a path, or a bare name to look up in PATH. */
  execPath?: string;
  /** Node's own options. Taken as they are: a debugger port given here is opened. */
  execArgv?: readonly string[];
  /** Relative to `cwd`. */
  script?: string;
  args?: readonly string[];
  /** Relative to the directory this process was started in. */
  cwd?: string;
  /** Added to the environment of the first process; `undefined` removes. Not handed on: each version says it again. */
  env?: Record<string, string | undefined>;
}

/**
 * Durations are in milliseconds; `undefined` stands for the default. Each option but `successor`, `state` and `logger` can be set
 * by environment as `BYE_<NAME>`, which wins (`shutdownDelayMs`: `BYE_SHUTDOWN_DELAY_MS`); an empty variable is none.
 */
export interface ByeOptions {
  /** Signals that stop the service. @defaultValue `['SIGTERM', 'SIGINT', 'SIGQUIT']` */
  stopSignals?: readonly NodeJS.Signals[];
  /** Signals that start an upgrade. @defaultValue `['SIGUSR1']` */
  upgradeSignals?: readonly NodeJS.Signals[];
  /**
   * How long a stop goes on serving with `/readyz` red, so that balancers leave first; Ctrl-C never waits.
   * @defaultValue `'auto'`: 5000 on Kubernetes, at most half of the time for requests; else 0
   */
  shutdownDelayMs?: number | 'auto';
  /** How long, counted from the signal, an idle connection may still bring a request. @defaultValue 1000; SIGINT: 0 */
  keepAliveGraceMs?: number;
  /** The whole stop: delay, requests, tasks, hooks. @defaultValue 25000 */
  shutdownTimeoutMs?: number;
  /**
   * The part of `shutdownTimeoutMs` that belongs to the close hooks, also after a cut.
   * @defaultValue 3000, but at most a quarter of `shutdownTimeoutMs`
   */
  closeReserveMs?: number;
  /** Until a new process has to be ready. @defaultValue 60000 */
  upgradeTimeoutMs?: number;
  /**
   * How long a new process has to live after it listens before it counts as ready and takes over, so that a version that
   * fails right after its start is harmless as well. Not at a first start, nor with `readiness: 'manual'`.
   * @defaultValue 1000, but at most a quarter of `upgradeTimeoutMs`
   */
  minReadyMs?: number;
  /** How long a replaced process may finish its work. @defaultValue 300000 */
  upgradeDrainTimeoutMs?: number;
  /**
   * Over how long WebSockets are closed, HTTP/2 sessions told to go and event streams ended, evenly, so that not all clients come back at
   * once; at a stop at most half of the time for requests. @defaultValue 1000; SIGINT: 0
   */
  closeSpreadMs?: number;
  /** `'manual'`: call `ready()` yourself. @defaultValue `'auto'` */
  readiness?: 'auto' | 'manual';
  /** What runs at an upgrade; a function is asked at each one. @defaultValue as this process was started */
  successor?: SuccessorOptions | (() => SuccessorOptions | Promise<SuccessorOptions>);
  /** Where `ready()` writes the PID; the variable PIDFILE wins. */
  pidFile?: string;
  /**
   * Where the process takes requests of its operator (`bye upgrade`, `bye status`, `bye stop`): a unix socket in a directory
   * that only this user or root can write to.
   */
  controlSocket?: string;
  /** State that an old process hands to its new one, as the section 'app'; see `Bye.addState`. */
  state?: StateHandlers;
  /** Health endpoints. @defaultValue `true` */
  health?: boolean | string | HealthOptions;
  /** Pino-shaped; `false` silences. @defaultValue warn and error as one line each on stderr */
  logger?: Logger | false;
  /** Whether signals are handled. @defaultValue `true` for the process's instance, `false` under a test runner */
  signals?: boolean;
  /** Whether the process exits after a stop. @defaultValue `true` for the process's instance, `false` under a test runner */
  exit?: boolean;
  /** Upgrade even where the surroundings would end or lose the service. @defaultValue `false` */
  allowUnsafeUpgrade?: boolean;
  /**
   * Whether live connections of plaintext HTTP/1.1 go to the new process of an upgrade; a function decides for each, and
   * has to be quick and to throw nothing. Those that do not move are asked to reconnect.
   * @defaultValue `'auto'`: on versions of Node that this was tested on
   */
  moveConnections?: 'auto' | false | ((socket: Socket) => boolean);
}

/** The options after defaults, environment and checks. */
export interface Settings {
  readonly stopSignals: readonly NodeJS.Signals[];
  readonly upgradeSignals: readonly NodeJS.Signals[];
  readonly shutdownDelayMs: number;
  readonly keepAliveGraceMs: number;
  readonly shutdownTimeoutMs: number;
  readonly closeReserveMs: number;
  readonly upgradeTimeoutMs: number;
  readonly minReadyMs: number;
  readonly closeSpreadMs: number;
  readonly upgradeDrainTimeoutMs: number;
  readonly readiness: 'auto' | 'manual';
  readonly successor: ByeOptions['successor'];
  readonly pidFile: string | undefined;
  readonly controlSocket: string | undefined;
  readonly state: StateHandlers | undefined;
  readonly health: HealthSettings | undefined;
  logger: Logger;
  /** The application gave a logger, or `false`. */
  hasOwnLogger: boolean;
  /** Whether listeners of the whole process are this instance's: not under a test runner that asked for nothing. */
  readonly ownsProcess: boolean;
  readonly signals: boolean;
  readonly exit: boolean;
  readonly allowUnsafeUpgrade: boolean;
  readonly moveConnections: 'auto' | false | ((socket: Socket) => boolean);
}
