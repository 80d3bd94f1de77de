/** What a process sees around it: its runtime, its place in Node, and the processes above it. */

import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { readVariable, type SurroundingVariable } from '../env.js';
import { readCommandLine, readProcess } from '../proc.js';
import { findScript } from './exec-argv.js';

/** A process above this one. */
export interface ParentProcess {
  /** As the kernel shows it: cut to 15 characters, and whatever the process made of it. */
  readonly name: string;
  readonly commandLine: readonly string[];
  readonly ppid: number;
}

/** @returns `undefined` if there is no such process or it cannot be looked at */
export type ReadParent = (pid: number) => ParentProcess | undefined;

/** What the pre-flight looks at, besides the host. */
export interface Surroundings {
  readonly runtime: 'node' | 'bun' | 'deno';
  readonly isMainThread: boolean;
  readonly isClusterWorker: boolean;
  /** How many this process has forked and not lost. */
  readonly clusterWorkers: number;
  readonly readVariable: (name: SurroundingVariable) => string | undefined;
  readonly readParent: ReadParent;
}

/** The surroundings this process really has. */
export function readSurroundings(): Surroundings {
  return {
    runtime: 'bun' in process.versions ? 'bun' : 'deno' in process.versions ? 'deno' : 'node',
    isMainThread,
    // Node takes NODE_UNIQUE_ID out of process.env before the first line of a worker.
    isClusterWorker: cluster.isWorker,
    clusterWorkers: Object.keys(cluster.workers ?? {}).length,
    readVariable,
    readParent,
  };
}

/** Looks at a process through /proc; knows nothing on macOS, which has none. */
export function readParent(pid: number): ParentProcess | undefined {
  const facts = readProcess(pid);
  const commandLine = readCommandLine(pid);
  if (facts === undefined || commandLine === undefined) return undefined;
  try {
    return { name: readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), commandLine, ppid: facts.ppid };
  } catch {
    return undefined;
  }
}

const INTERPRETER = /^(?:node|nodejs|bun|deno|ruby|perl|python[\d.]*|MainThread)$/;
const WRAPPERS = ['cross-env', 'cross-env-shell', 'dotenv', 'dotenvx', 'env-cmd', 'timeout', 'sudo'];
const INTERACTIVE = ['-i', '--rcfile', '--init-file'];
const SHELL = /^-?(?:sh|bash|dash|ash|zsh|ksh|mksh|busybox)$/;

/**
 * Every name a process may be known by: its own, its program's, and the script's where the program is an interpreter
 * (`node .../npm-cli.js`, `python3 /usr/bin/supervisord`). npm, yarn and pm2 overwrite their command line with a title
 * (`npm start`), so its first word counts as well.
 */
export function namesOf(parent: ParentProcess): readonly string[] {
  const [program = '', ...rest] = parent.commandLine;
  const names = [parent.name, parent.name.split(' ')[0], basename(program), basename(program.split(' ')[0] ?? '')];
  if (INTERPRETER.test(basename(program))) {
    const script = findScript(rest);
    if (script !== undefined) names.push(toolOf(script));
  }
  return names.filter((name): name is string => name !== undefined && name !== '');
}

/** `tsx` for `…/node_modules/tsx/dist/cli.mjs`, `npm` for `npm-cli.js`, `yarn` for `yarn-4.9.1.cjs`. */
function toolOf(script: string): string {
  const file = basename(script).replace(/\.[cm]?js$/, '');
  const inPackage = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?:dist|bin|lib)\//.exec(script)?.[1];
  if (/^(?:cli|index|main|bin)$/.test(file) && inPackage !== undefined) return inPackage;
  return file.replace(/-cli$/, '').replace(/^(yarn|pnpm)-?[\d.]*$/, '$1');
}

/**
 * Whether a process does nothing but wait for its child and end with it: a wrapper, or a shell that runs a command or a
 * script. A shell that a person types into is none.
 */
export function isPassThrough(parent: ParentProcess): boolean {
  if (namesOf(parent).some((name) => WRAPPERS.includes(name))) return true;
  const [program = '', ...rest] = parent.commandLine;
  if (!SHELL.test(basename(program))) return false;
  const args = basename(program) === 'busybox' ? rest.slice(1) : rest;
  if (args.some((arg) => INTERACTIVE.includes(arg))) return false;
  return args.some((arg) => !arg.startsWith('-') || /^-[a-z]*c$/.test(arg));
}
