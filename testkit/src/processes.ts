/** Owns one application under test: a real process, the generations that follow it, and that nothing of it is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cleanEnvironment } from './environment.js';
import { LineLog, type WaitForLineOptions } from './line-log.js';
import { allProcesses, type ProcessInfo, processInfo, startedWith } from './proc-fs.js';
import { until } from './until.js';

/** Variable that marks every process of one application, down all generations. */
export const TEST_ID_VARIABLE = 'BYE_TEST_ID';

const READY_LINE = /^ready pid=(\d+) generation=(\d+)(?: port=(\d+))?/;

/** How to start the first process. */
export interface StartOptions {
  /** On top of a clean environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly args?: readonly string[];
  /** @defaultValue process.execPath */
  readonly execPath?: string;
  readonly cwd?: string;
  /** In a session of its own, so that it may lead one. @defaultValue false */
  readonly detached?: boolean;
  /** @defaultValue 'ignore' */
  readonly stdin?: 'ignore' | 'pipe' | 'inherit';
}

/** What a process said in its line `ready pid=… generation=… port=…`. */
export interface Generation {
  readonly pid: number;
  readonly generation: number;
  /** 0 if the line has none. */
  readonly port: number;
}

/** How the first process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Starts an application as a process of its own.
 *
 * @param script - the script, or all arguments of `execPath`
 */
export function startApp(script: string | readonly string[], options: StartOptions = {}): App {
  const { env = {}, args = [], execPath = process.execPath, cwd, detached = false, stdin = 'ignore' } = options;
  const id = randomUUID();
  const child = spawn(execPath, [...(typeof script === 'string' ? [script] : script), ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    // Upgrades do not wait for the time that shows whether a new version lives; a test of that says `undefined` here.
    env: cleanEnvironment({ BYE_MIN_READY_MS: '0', ...env, [TEST_ID_VARIABLE]: id }, execPath),
    stdio: [stdin, 'pipe', 'pipe'],
    detached,
  });
  return new App(id, child);
}

/** A running application; every generation prints into the same log, as it inherits the first one's output. */
export class App {
  readonly id: string;
  /** The first process. */
  readonly child: ChildProcess;
  readonly log = new LineLog();
  /** How the first process ended; pending while it runs. */
  readonly exited: Promise<Exit>;
  readonly #ready: Generation[] = [];
  readonly #seen = new Map<number, number | undefined>();

  constructor(id: string, child: ChildProcess) {
    this.id = id;
    this.child = child;
    this.exited = exitOf(child);
    if (child.pid !== undefined) this.#see(child.pid);
    this.log.onLine(({ text }) => this.#parse(text));
    if (child.stdout) this.log.follow('stdout', child.stdout);
    if (child.stderr) this.log.follow('stderr', child.stderr);
  }

  /** PID of the first process, whether it still runs or not. */
  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.child.spawnfile} did not start`);
    return this.child.pid;
  }

  /** Every process that said it is ready, in the order in which they did. */
  generations(): readonly Generation[] {
    return this.#ready;
  }

  /** @returns the last process that said it is ready and still runs */
  current(): Generation {
    const alive = this.#ready.findLast(({ pid }) => this.isRunning(pid));
    if (alive === undefined) throw new Error(`No process of the application is ready; printed were:\n${this.log}`);
    return alive;
  }

  /** Waits until a process of this generation says that it is ready. */
  async waitForGeneration(generation: number, options: WaitForLineOptions = {}): Promise<Generation> {
    const line = await this.log.waitFor(new RegExp(`^ready pid=\\d+ generation=${generation}( |$)`), options);
    return parseReady(line) as Generation;
  }

  /** @returns the text of the first line that matches, already there or to come */
  waitForLine(pattern: string | RegExp, options: WaitForLineOptions = {}): Promise<string> {
    return this.log.waitFor(pattern, options);
  }

  /** Waits until the first process has ended. */
  async waitForExit({ timeoutMs = 10_000 } = {}): Promise<Exit> {
    await this.waitUntilGone(this.pid, { timeoutMs });
    return this.exited;
  }

  /**
   * Waits until a process has ended; for the first process its exit was seen, too. Its last lines may not have been read
   * yet: wait for them with `waitForLine()`.
   */
  async waitUntilGone(pid: number, { timeoutMs = 10_000 } = {}): Promise<void> {
    await until(() => !this.isRunning(pid), {
      timeoutMs,
      what: `process ${pid} has ended; printed were:\n${this.log}`,
    });
  }

  /**
   * Sends a signal to the current generation: the first process as long as none is ready.
   * @returns whether there was a process to send it to
   */
  kill(signal: NodeJS.Signals | 0, pid: number = this.#currentPid()): boolean {
    return this.isRunning(pid) && sendSignal(pid, signal);
  }

  /** @returns whether this process of the application runs. A zombie does not, nor does another one that got its PID. */
  isRunning(pid: number): boolean {
    if (pid === this.child.pid) return this.child.exitCode === null && this.child.signalCode === null;
    if (process.platform !== 'linux') return sendSignal(pid, 0);
    const info = processInfo(pid);
    if (info === undefined || info.state === 'Z') return false;
    return !this.#seen.has(pid) || this.#seen.get(pid) === info.startTime;
  }

  /**
   * Linux only.
   * @returns all processes that exist and belong to the application, with the zombies that one of them should have
   * reaped; not those that only init has yet to reap
   */
  strays(): ProcessInfo[] {
    const everybody = allProcesses();
    const marked = new Set(everybody.flatMap(({ pid }) => (startedWith(pid, TEST_ID_VARIABLE, this.id) ? pid : [])));
    return everybody.filter(({ pid, parentPid, state }) => marked.has(pid) || (state === 'Z' && marked.has(parentPid)));
  }

  /**
   * Ends what is left by SIGKILL: first the processes that made themselves known, which must take all others with them.
   * @throws {Error} If another process of the application is still there `graceMs` later (it is killed, too).
   */
  async dispose({ graceMs = 3000 } = {}): Promise<void> {
    for (const pid of this.#seen.keys()) if (this.isRunning(pid)) sendSignal(pid, 'SIGKILL');
    await this.exited;
    if (process.platform === 'linux') {
      await until(() => this.strays().length === 0, { timeoutMs: graceMs, what: 'nothing is left' }).catch(() => {});
      const left = this.strays();
      for (const { pid } of left) sendSignal(pid, 'SIGKILL');
      if (left.length > 0) throw new Error(`${describe(left)} left behind; printed were:\n${this.log}`);
    }
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #currentPid(): number {
    return this.#ready.findLast(({ pid }) => this.isRunning(pid))?.pid ?? this.pid;
  }

  #parse(text: string): void {
    const ready = parseReady(text);
    if (ready === undefined) return;
    this.#see(ready.pid);
    this.#ready.push(ready);
  }

  #see(pid: number): void {
    this.#seen.set(pid, process.platform === 'linux' ? processInfo(pid)?.startTime : undefined);
  }
}

function parseReady(line: string): Generation | undefined {
  const match = READY_LINE.exec(line);
  if (match === null) return undefined;
  return { pid: Number(match[1]), generation: Number(match[2]), port: Number(match[3] ?? 0) };
}

async function exitOf(child: ChildProcess): Promise<Exit> {
  if (child.pid === undefined) {
    await once(child, 'error').catch(() => {});
    return { code: null, signal: null };
  }
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // it ended meanwhile
  }
}

function describe(processes: readonly ProcessInfo[]): string {
  return processes.map(({ pid, state, commandLine }) => `process ${pid} (${state}) ${commandLine}`).join(', ');
}
