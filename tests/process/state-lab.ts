/** What the tests of state do with fixtures/state.mjs. */

import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type App, type StartOptions, StrictConnection, startApp } from '@bye/testkit';
import { Scratch } from './lab.js';

const STATE = fileURLToPath(new URL('../fixtures/state.mjs', import.meta.url));

/** What a version does with its state; see fixtures/state.mjs. */
export interface Plan {
  readonly bytes?: number;
  readonly streams?: number;
  readonly version?: number | string;
  readonly reads?: readonly (number | string)[] | 'any';
  readonly has?: readonly string[];
  readonly breaks?: Readonly<Record<string, string | number>>;
  readonly manual?: boolean;
  readonly garbageFd?: number;
}

/** What a process says of its state. */
export interface Told {
  readonly pid: number;
  readonly count: number;
  readonly hash: string;
  /** The most memory it ever had, in MiB. */
  readonly rss: number;
}

const LONG = { timeoutMs: 30_000 };

/** A service with state, and what its next version will be. */
export class StateLab implements AsyncDisposable {
  readonly app: App;
  readonly #scratch = new Scratch();

  constructor(plan: Plan = {}, options: object = {}, env: StartOptions['env'] = {}) {
    this.deploy(plan);
    this.app = startApp(STATE, {
      env: {
        STATE_FILE: this.#scratch.path('plan'),
        SERVICE_OPTIONS: JSON.stringify({ upgradeTimeoutMs: 10_000, ...options }),
        BYE_LOG: 'debug',
        ...env,
      },
    });
  }

  /** From now on a new process is of this version. */
  deploy(plan: Plan): void {
    rmSync(this.#scratch.path('plan.go'), { force: true });
    writeFileSync(this.#scratch.path('plan'), JSON.stringify(plan));
  }

  /** Lets go of whoever is held. */
  release(): void {
    writeFileSync(this.#scratch.path('plan.go'), '');
  }

  async ready(generation = 0): Promise<number> {
    return (await this.app.waitForGeneration(generation, LONG)).pid;
  }

  /** One that is over when the old process has gone. @returns the PID of the new one */
  async upgrade(generation: number): Promise<number> {
    const old = this.app.current().pid;
    this.app.kill('SIGUSR1', old);
    const pid = await this.ready(generation);
    await this.app.waitUntilGone(old, LONG);
    await this.line(`the old process ${old} has ended`);
    return pid;
  }

  line(pattern: string | RegExp, from = 0): Promise<string> {
    return this.app.waitForLine(pattern, { ...LONG, from });
  }

  /** How many lines there are now. */
  get mark(): number {
    return this.app.log.lines.length;
  }

  async told(): Promise<Told> {
    const connection = await StrictConnection.open({ port: this.app.generations()[0]?.port ?? 0 });
    const { body } = await connection.request({ path: '/state', keepBody: true, close: true });
    return JSON.parse(body.toString()) as Told;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.dispose();
    this.#scratch[Symbol.dispose]();
  }
}

/** The PID that ends a line of the fixture. */
export function pidOf(line: string): number {
  return Number(/pid=(\d+)/.exec(line)?.[1]);
}
