/** Every environment variable bye reads or sets. The only file that looks at `process.env`. */

import { readFileSync } from 'node:fs';
import { ByeError } from './errors.js';

/** Set by an old process for its new one, and by nobody else. Gone from `process.env` once read. */
export const HANDOVER_VARIABLES = [
  'UPGRADE_FD',
  'BYE_LISTENERS',
  'BYE_GENERATION',
  'BYE_PROTOCOL',
  'BYE_PREDECESSOR',
  'BYE_FIRST_ENVIRONMENT',
] as const;

/** systemd's socket activation (sd_listen_fds(3)); gone once read, so that no child takes it for its own. */
export const ACTIVATION_VARIABLES = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'] as const;

/** Node's own for an IPC channel; describes a descriptor that no other process has. */
const CHANNEL_VARIABLES = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'] as const;

/** Set by service managers and supervisors; read to tell what watches this process. */
export type SurroundingVariable =
  | 'NOTIFY_SOCKET'
  | 'SYSTEMD_EXEC_PID'
  | 'INVOCATION_ID'
  | 'KUBERNETES_SERVICE_HOST'
  | 'PIDFILE'
  | 'PWD'
  | 'PATH'
  | 'WATCH_REPORT_DEPENDENCIES'
  | 'pm_id'
  | 'NODE_UNIQUE_ID'
  | 'NODE_CHANNEL_FD'
  | 'NODE_OPTIONS'
  | 'BYE_LOG'
  | CommandVariable;

/** Read by the command `bye`. */
type CommandVariable = 'BYE_CONTROL_SOCKET' | 'NO_COLOR' | 'FORCE_COLOR' | 'TERM';

export function readVariable(name: SurroundingVariable): string | undefined {
  return process.env[name];
}

/** The override of one option: `shutdownDelayMs` is `BYE_SHUTDOWN_DELAY_MS`. */
export function readOptionVariable(option: string): { name: string; value: string | undefined } {
  const name = optionVariable(option);
  const value = process.env[name];
  return { name, value: value === '' ? undefined : value };
}

export function optionVariable(option: string): string {
  return `BYE_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** The names of the variables that begin like this and are not empty. */
export function variablesWith(prefix: string): string[] {
  return Object.keys(process.env).filter((name) => name.startsWith(prefix) && process.env[name] !== '');
}

/** True under a test runner, where nothing process-wide happens unless asked for. */
export function underTestRunner(): boolean {
  const { NODE_TEST_CONTEXT, VITEST, JEST_WORKER_ID } = process.env;
  return NODE_TEST_CONTEXT !== undefined || VITEST !== undefined || JEST_WORKER_ID !== undefined;
}

/** Whether `NODE_DEBUG` names bye: every event goes to stderr then, whatever the logger. */
export function isDebugging(): boolean {
  return /(^|,)\s*bye\s*(,|$)/i.test(process.env['NODE_DEBUG'] ?? '');
}

/** Takes variables out of `process.env` and returns what they held. */
export function takeVariables<Name extends string>(names: readonly Name[]): Partial<Record<Name, string>> {
  const taken: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = process.env[name];
    if (value !== undefined) taken[name] = value;
    delete process.env[name];
  }
  return taken;
}

/** Reads a whole number from a variable's text. */
export function parseWholeNumber(variable: string, value: string, most = Number.MAX_SAFE_INTEGER): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number <= most) return number;
  throw new ByeError(
    'ERR_BYE_ENVIRONMENT',
    `Cannot use ${variable} as it is not a whole number of at most ${most}: ${JSON.stringify(value)}. It is set by the process that starts this one, never by hand: unset it`,
    { variable, value },
  );
}

type Environment = Record<string, string>;

/**
 * The environment this process was started with, without what was meant for this process alone.
 *
 * `process.env` is no substitute: it holds what `--env-file`, dotenv and the application added since, and those values
 * would win over a changed file in the next version. Where `/proc` is missing (macOS) it is what is left.
 */
export function initialEnvironment(): Environment {
  const environment = readProcEnviron() ?? { ...(process.env as Environment) };
  for (const name of [...HANDOVER_VARIABLES, ...ACTIVATION_VARIABLES, ...CHANNEL_VARIABLES]) delete environment[name];
  return environment;
}

function readProcEnviron(): Environment | undefined {
  let raw: string;
  try {
    raw = readFileSync('/proc/self/environ', 'utf8');
  } catch {
    return undefined;
  }
  const environment: Environment = {};
  for (const entry of raw.split('\0')) {
    const split = entry.indexOf('=');
    if (split > 0) environment[entry.slice(0, split)] = entry.slice(split + 1);
  }
  return environment;
}
