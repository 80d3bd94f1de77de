/** How this process was started, as given: nothing resolved, so that every link on the way is followed anew. */

import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import { initialEnvironment, takeVariables } from '../env.js';
import { currentDirectory, readCommandLine } from '../proc.js';
import { type Environment, type EnvironmentUndo, parseUndo } from './environment.js';
import { evaluatesCode } from './exec-argv.js';
import { findExecutable } from './find-executable.js';

/** `--require` and a path, which `preload.ts` takes out of `process.execArgv`. */
const PRELOAD_ARGUMENTS = 2;

/** What is known about the start of this process. */
export interface StartFacts {
  /** How Node was named: a bare name to look up in PATH, or an absolute path with its links. */
  readonly node: string;
  readonly execArgv: readonly string[];
  /** Absolute, links kept; `undefined` if Node was given code instead of a file. */
  readonly script: string | undefined;
  readonly args: readonly string[];
  /** Links kept. */
  readonly cwd: string;
  readonly environment: Readonly<Environment>;
  readonly undo: EnvironmentUndo;
}

/**
 * Remembers how this process was started. Call it once and early: before the application changes its directory, its
 * title or `process.argv`.
 *
 * @param firstEnvironment - `BYE_FIRST_ENVIRONMENT`, if the caller took it out of the environment before
 */
export function captureStart(
  firstEnvironment = takeVariables(['BYE_FIRST_ENVIRONMENT']).BYE_FIRST_ENVIRONMENT,
): StartFacts {
  const environment = initialEnvironment();
  const { given, args } = readArguments();
  const realCwd = cwdAtStart(given);
  const { PATH, PWD } = environment;
  const cwd = cwdAsGiven(realCwd, PWD);
  return {
    node: nodeAsGiven(cwd, PATH),
    execArgv: [...process.execArgv],
    script: scriptAsGiven(given, cwd, realCwd),
    args,
    cwd,
    environment,
    undo: parseUndo(firstEnvironment),
  };
}

/**
 * The script in the words of whoever started Node, as `process.argv[1]` is already absolute and without links of the cwd;
 * and what stands behind it, as fastify-cli and others take their arguments out of `process.argv`. Both lists may have
 * been edited, so the script's place is counted from the end and from the start, there also with what our own preload
 * has taken out.
 */
function readArguments(): { given: string | undefined; args: readonly string[] } {
  const commandLine = readCommandLine('self') ?? [];
  const options = process.execArgv.length;
  const places = [commandLine.length + 1 - process.argv.length, 1 + options, 1 + options + PRELOAD_ARGUMENTS];
  const at = places.find((place) => place > 0 && namesScript(commandLine[place] ?? ''));
  if (at === undefined) return { given: undefined, args: process.argv.slice(2) };
  return { given: commandLine[at], args: commandLine.slice(at + 1) };
}

function namesScript(given: string): boolean {
  const script = process.argv[1];
  if (script === undefined || given === '') return false;
  if (isAbsolute(given)) return isSameFile(given, script);
  return resolve(currentDirectory(), given) === script || script.endsWith(tailOf(given));
}

/** The directory Node resolved a relative script against, though the application may have changed to another since. */
function cwdAtStart(given: string | undefined): string {
  const cwd = currentDirectory();
  const script = process.argv[1];
  if (given === undefined || script === undefined || isAbsolute(given) || resolve(cwd, given) === script) return cwd;
  return script.slice(0, script.length - tailOf(given).length) || sep;
}

function tailOf(given: string): string {
  const path = normalize(given);
  return path === '.' ? '' : sep + path;
}

function cwdAsGiven(cwd: string, pwd: string | undefined): string {
  if (pwd !== undefined && isAbsolute(pwd) && isSameDirectory(pwd, cwd)) return pwd;
  // systemd's WorkingDirectory= sets no PWD; the script often shows the link that both go through.
  const script = process.argv[1];
  if (script === undefined) return cwd;
  for (let prefix = dirname(script); prefix !== dirname(prefix); prefix = dirname(prefix)) {
    const target = realpath(prefix);
    if (target === undefined || !isInside(cwd, target)) continue;
    return join(prefix, cwd.slice(target.length));
  }
  return cwd;
}

function scriptAsGiven(given: string | undefined, cwd: string, realCwd: string): string | undefined {
  const resolved = process.argv[1];
  if (resolved === undefined || evaluatesCode(process.execArgv)) return undefined;
  const candidates = given === undefined ? [] : [resolve(cwd, given)];
  // Where the command line cannot be read (macOS, or process.title has overwritten it), a path below the directory was
  // most likely given relative to it.
  if (isInside(resolved, realCwd)) candidates.push(join(cwd, resolved.slice(realCwd.length)));
  return candidates.find((candidate) => isSameFile(candidate, resolved)) ?? resolved;
}

function nodeAsGiven(cwd: string, path: string | undefined): string {
  const given = process.argv0;
  const isBare = !given.includes(sep);
  const found = isBare ? findExecutable(given, path, cwd) : resolve(cwd, given);
  const real = realpath(process.execPath) ?? process.execPath;
  if (found === undefined || realpath(found) !== real) return process.execPath;
  return isBare ? given : found;
}

function isSameFile(one: string, other: string): boolean {
  const real = realScript(one);
  return real !== undefined && real === realScript(other);
}

/** `node app` runs app.js, so the last part of a script's path may name no file. */
function realScript(path: string): string | undefined {
  const real = realpath(path);
  if (real !== undefined) return real;
  const directory = realpath(dirname(path));
  return directory === undefined ? undefined : join(directory, basename(path));
}

function isSameDirectory(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)];
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

function realpath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
