/** Owns the environment of the processes under test: nothing in it comes from the test runner or its surroundings. */
import { dirname } from 'node:path';

const STRIPPED = [
  /^(VITEST|TINYPOOL|NODE_TEST|JEST|NODE_V8_COVERAGE|NODE_OPTIONS|NODE_UNIQUE_ID|NODE_CHANNEL|NODE_ENV$|NODE_DEBUG$|TEST$)/,
  /^(npm_|INIT_CWD$|TURBO|PM2|pm_)/i,
  /^(BYE_|UPGRADE_FD$|PIDFILE$|PORT$|LISTEN_|NOTIFY_SOCKET$|WATCHDOG_|SYSTEMD_|INVOCATION_ID$|JOURNAL_STREAM$)/,
  /^(KUBERNETES_|NO_COLOR$|FORCE_COLOR$)/,
];

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The environment as a user's shell would have it: without what runner, npm, systemd or bye itself set, and with the
 * directory of `execPath` first in PATH.
 *
 * @param extra - what to set on top; undefined removes
 */
export function cleanEnvironment(
  extra: Readonly<Record<string, string | undefined>> = {},
  execPath: string = process.execPath,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !STRIPPED.some((pattern) => pattern.test(name))) environment[name] = value;
  const path = execPath.includes('/') ? `${dirname(execPath)}:${SYSTEM_PATH}` : SYSTEM_PATH;
  for (const [name, value] of Object.entries({ PATH: path, ...extra })) {
    if (value === undefined) delete environment[name];
    else environment[name] = value;
  }
  return environment;
}
