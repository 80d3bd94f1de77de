/** A release layout with an app that says what would run next, for tests with real processes. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'tsup';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { SuccessorOptions } from '../../src/options/types.js';
import type { SuccessorCommand } from '../../src/upgrade/command.js';

/** An app that remembers how it was started, changes what apps change, and says on request what would run next. */
export const appOf = (release: number) => `#!/usr/bin/env node
const { captureStart, resolveSuccessor } = require(process.env.TEST_COMMAND);
if (process.env.TEST_BEFORE) new Function('process', process.env.TEST_BEFORE)(process);
const start = captureStart();
process.env.FROM_ENV_FILE = 'release ${release}';
process.chdir('/');
console.log(JSON.stringify({ release: ${release}, env: process.env, args: process.argv.slice(2) }));
require('node:readline').createInterface(process.stdin).on('line', (line) => {
  try {
    console.log(JSON.stringify(resolveSuccessor(start, JSON.parse(line))));
  } catch ({ code, message, data }) {
    console.log(JSON.stringify({ code, message, data }));
  }
});
`;

let built: string;
/** Holds releases/41, releases/42 and the link current; a fresh one for each test. */
export let root: string;
let children: ChildProcess[];

/** Registers what every test with releases needs. */
export function useReleases(): void {
  beforeAll(async () => {
    built = mkdtempSync(join(tmpdir(), 'bye-command-'));
    const entry = [join(import.meta.dirname, '../../src/upgrade/command.ts')];
    await build({ entry, outDir: built, format: 'cjs', platform: 'node', config: false, silent: true, dts: false });
  });
  afterAll(() => rmSync(built, { recursive: true }));

  beforeEach(() => {
    children = [];
    root = realpathSync(mkdtempSync(join(tmpdir(), 'bye-releases-')));
    for (const release of [41, 42]) {
      mkdirSync(join(root, `releases/${release}/dist`), { recursive: true });
      for (const file of ['app.js', 'index.js', 'dist/app.js']) {
        writeFileSync(join(root, `releases/${release}`, file), appOf(release), { mode: 0o755 });
      }
    }
    point('current', 'releases/41');
  });
  afterEach(async () => {
    await Promise.all(children.map((child) => child.exitCode ?? (child.kill('SIGKILL') && once(child, 'exit'))));
    rmSync(root, { recursive: true });
  });
}

/** As deploy tools do it: a new link renamed over the old one. */
export function point(link: string, target: string): void {
  symlinkSync(target, join(root, `${link}.new`));
  renameSync(join(root, `${link}.new`), join(root, link));
}

/** What the app says when it has started. */
export interface Told {
  release: number;
  env: Record<string, string>;
  args: string[];
}
/** What the app answers: the next command, or the error. */
export type Answer = SuccessorCommand & { code?: string; message: string; data: unknown };

export interface App {
  told: Told;
  next(override?: SuccessorOptions): Promise<Answer>;
}

export interface Start {
  node?: string;
  /** What Node is told that it was called. */
  argv0?: string;
  cwd: string;
  env?: Record<string, string | undefined>;
}

/** Starts a program and waits until it has said who it is. */
export async function start(args: readonly string[], options: Start): Promise<App> {
  const { node = process.execPath, argv0 = node, cwd, env = {} } = options;
  const environment = { PATH: process.env['PATH'], TEST_COMMAND: join(built, 'command.cjs'), ...env };
  return follow(spawn(node, args, { argv0, cwd, env: environment, stdio: ['pipe', 'pipe', 'inherit'] }));
}

/** Starts what an app says runs next, as the old process of an upgrade does. */
export async function startNext(command: SuccessorCommand): Promise<App> {
  const { execPath, argv0, execArgv, script, args, cwd, env } = command;
  return follow(
    spawn(execPath, [...execArgv, script, ...args], { argv0, cwd, env, stdio: ['pipe', 'pipe', 'inherit'] }),
  );
}

async function follow(child: ChildProcess): Promise<App> {
  children.push(child);
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('The app ended');
    return JSON.parse(value);
  };
  const told: Told = await read();
  return {
    told,
    next: async (override = {}) => {
      child.stdin!.write(`${JSON.stringify(override)}\n`);
      return read();
    },
  };
}
