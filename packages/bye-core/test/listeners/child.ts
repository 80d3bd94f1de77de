/** Programs in processes of their own, talked to by lines. */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, vi } from 'vitest';

// Starting a program takes its time where several tests do so at once.
vi.setConfig({ testTimeout: 30_000 });

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const started = new Set<number>();

afterEach(() => {
  for (const pid of started) endProcess(pid);
  started.clear();
});

/** Ends a process that a program of a test started, once the test is over. */
export function endAfterTest(pid: number): void {
  started.add(pid);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended by itself.
  }
}

/** The arguments for Node that run a fixture of the test at `from`. */
export function fixtureArguments(from: string, name: string, ...args: string[]): string[] {
  return ['--import', TSX, fileURLToPath(new URL(`fixtures/${name}`, from)), ...args];
}

export interface Start {
  /** Descriptors for the program, from 3 on. */
  readonly fds?: readonly number[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export class Child {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #errors: string[] = [];

  constructor(file: string, args: readonly string[], { fds = [], env, cwd }: Start = {}) {
    const stdio: StdioOptions = ['pipe', 'pipe', 'pipe', ...fds];
    this.process = spawn(file, args, { stdio, env: { ...process.env, ...env }, ...(cwd === undefined ? {} : { cwd }) });
    endAfterTest(this.pid);
    this.process.stderr?.on('data', (chunk: Buffer) => this.#errors.push(chunk.toString()));
    const lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** The next line it prints. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`The program ended without a further line: ${this.#errors.join('')}`);
    return value;
  }

  /** Resolves once what it has printed as errors matches. */
  async errorsMatch(pattern: RegExp): Promise<void> {
    const stderr = this.process.stderr as NodeJS.ReadableStream;
    while (!pattern.test(this.#errors.join(''))) await once(stderr, 'data');
  }

  say(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  /** Ends it the way a crash does. */
  async crash(): Promise<void> {
    const exit = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await exit;
  }
}

/** Runs a fixture of the test at `from`. */
export function startFixture(from: string, name: string, args: readonly string[], start?: Start): Child {
  return new Child(process.execPath, fixtureArguments(from, name, ...args), start);
}
