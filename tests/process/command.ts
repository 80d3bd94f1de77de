/** The command `bye` as a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type App, cleanEnvironment, LineLog } from '@bye/testkit';
import { type LabOptions, Scratch, startLab } from './lab.js';

export const BYE = fileURLToPath(new URL('../../packages/bye-core/bin/bye.js', import.meta.url));

export const LONG = { timeoutMs: 20_000 };

export interface CommandOptions {
  /** On top of a clean environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The whole of it. */
  readonly onlyEnv?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

export interface Told {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export class RunningCommand {
  readonly child: ChildProcess;
  readonly log = new LineLog();
  readonly told: Promise<Told>;

  constructor(args: readonly string[], { env = {}, onlyEnv, uid }: CommandOptions = {}) {
    this.child = spawn(process.execPath, [BYE, ...args], {
      env: onlyEnv ?? cleanEnvironment({ ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    if (this.child.stdout) this.log.follow('stdout', this.child.stdout);
    if (this.child.stderr) this.log.follow('stderr', this.child.stderr);
    this.told = once(this.child, 'close').then(([code]) => ({
      code,
      stdout: this.#text('stdout'),
      stderr: this.#text('stderr'),
    }));
  }

  #text(stream: 'stdout' | 'stderr'): string {
    return this.log.lines.flatMap((line) => (line.stream === stream ? [line.text] : [])).join('\n');
  }
}

/** Runs it to its end. */
export function bye(args: readonly string[], options?: CommandOptions): Promise<Told> {
  return new RunningCommand(args, options).told;
}

/** Its result with `--json`. */
export async function byeJson(args: readonly string[], options?: CommandOptions) {
  const { code, stdout } = await bye([...args, '--json'], options);
  const lines = stdout.split('\n').map((line) => JSON.parse(line));
  return { code, lines, ...(lines.at(-1) as { result: Record<string, never>; exitCode: number }) };
}

/** A service with a control socket, whose next version does what `deploy()` says. */
export class CommandRig implements Disposable {
  readonly scratch = new Scratch();
  readonly socket = this.scratch.path('bye.sock');

  start({ options, env, ...rest }: LabOptions = {}): App {
    return startLab({
      options: { controlSocket: this.socket, readiness: 'manual', ...options },
      env: { BREAK_FILE: this.scratch.breakFile, ...env },
      ...rest,
    });
  }

  deploy(how: string): void {
    this.scratch.deploy(how);
  }

  /** @returns the new process that will never be ready */
  async hanging(app: App): Promise<number> {
    return Number((await app.waitForLine('hanging', LONG)).split('=')[1]);
  }

  /** Ends one that hangs, so that nobody has to wait for its time-out. */
  async end(app: App, newPid: number): Promise<void> {
    process.kill(newPid, 'SIGKILL');
    await app.waitUntilGone(newPid);
  }

  [Symbol.dispose](): void {
    this.scratch[Symbol.dispose]();
  }
}
