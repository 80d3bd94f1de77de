/** What runs next: the command of the new process, looked up afresh at every upgrade. */

import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, resolve, sep } from 'node:path';
import { ByeError } from '../errors.js';
import type { SuccessorOptions } from '../options/types.js';
import { buildEnvironment, type Environment } from './environment.js';
import { stripExecArgv } from './exec-argv.js';
import { findExecutable, isExecutable } from './find-executable.js';
import type { StartFacts } from './start-facts.js';

export { captureStart, type StartFacts } from './start-facts.js';

/** The command of the new process. */
export interface SuccessorCommand {
  execPath: string;
  /** What to call it: a bare name keeps being looked up in PATH by the versions that follow. */
  argv0: string;
  execArgv: string[];
  script: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

/**
 * Says what runs next.
 *
 * Script and directory are as given at the start, with the links on their way, so `current -> releases/42` leads to
 * release 42; Node is looked up again the way it was found.
 *
 * @throws {ByeError} If there is no script to run again (ERR_BYE_UPGRADE_UNAVAILABLE), or if Node, the script or the
 * directory is not there (ERR_BYE_UPGRADE_SPAWN)
 */
export function resolveSuccessor(start: StartFacts, override: SuccessorOptions = {}): SuccessorCommand {
  const cwd = resolve(start.cwd, override.cwd ?? '.');
  const script = override.script === undefined ? start.script : resolve(cwd, override.script);
  if (script === undefined) throw noScript();
  const { env, undo } = buildEnvironment(start.environment, start.undo, override.env ?? {});
  Object.assign(env, { PWD: cwd });
  if (Object.keys(undo).length > 0) Object.assign(env, { BYE_FIRST_ENVIRONMENT: JSON.stringify(undo) });

  if (!isDirectory(cwd)) throw notThere('its directory', cwd);
  if (!canBeScript(script)) throw notThere('its script', script);
  const { execPath, argv0 } = findNode(override.execPath ?? start.node, start.cwd, env);
  return {
    execPath,
    argv0,
    execArgv: override.execArgv === undefined ? stripExecArgv(start.execArgv) : [...override.execArgv],
    script,
    args: [...(override.args ?? start.args)],
    cwd,
    env,
  };
}

function findNode(named: string, cwd: string, { PATH }: Environment): { execPath: string; argv0: string } {
  if (!named.includes(sep)) {
    const found = findExecutable(named, PATH, cwd);
    if (found === undefined) throw notThere('Node', named, ` in PATH (${PATH ?? 'not set'})`);
    return { execPath: found, argv0: named };
  }
  const execPath = isAbsolute(named) ? named : resolve(cwd, named);
  if (!isExecutable(execPath)) throw notThere('Node', execPath);
  return { execPath, argv0: execPath };
}

/** Node finds `app.js` for `app`, and a loader may find `app.ts`: any of them will do, the new process decides. */
function canBeScript(path: string): boolean {
  if (existsSync(path)) return true;
  try {
    return readdirSync(dirname(path)).some((name) => name.startsWith(`${basename(path)}.`));
  } catch {
    return false;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function notThere(what: string, file: string, where = ''): ByeError {
  return new ByeError(
    'ERR_BYE_UPGRADE_SPAWN',
    `Cannot start the new process as ${what} is not there or cannot be run: ${file}${where}. Put it back, or name another one with the option successor`,
    { file },
  );
}

function noScript(): ByeError {
  return new ByeError(
    'ERR_BYE_UPGRADE_UNAVAILABLE',
    'Cannot upgrade as this process was not started from a file (node -e, a REPL or standard input): say what to run with the option successor.script',
    { reason: 'no-script' },
  );
}
