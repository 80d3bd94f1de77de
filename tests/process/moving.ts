/** What the tests of moving connections do with fixtures/move.mjs. */

import { writeFileSync } from 'node:fs';
import { type App, requests, StrictConnection, startApp, type Target } from '@bye/testkit';
import { MOVE } from '../service.js';
import { Scratch } from './lab.js';

export interface ServerSpec {
  readonly listen: object;
  readonly timeouts?: Readonly<Record<string, number>>;
  /** maxConnections */
  readonly limit?: number;
  /** It has a listener for 'connection' of its own. */
  readonly reads?: boolean;
  /** Key and certificate of an https server, in PEM. */
  readonly tls?: string;
}

export interface Deployed {
  readonly options?: object;
  /** The function that `moveConnections` is. */
  readonly decide?: 'everyOther' | 'slowly' | 'throw';
  readonly servers: readonly ServerSpec[];
}

/** A running fixtures/move.mjs, and the next version of it. */
export class Moving implements AsyncDisposable {
  readonly scratch = new Scratch();
  readonly app: App;

  /** @param first the first version, which may need to know the directory of the test */
  constructor(first: Deployed | ((scratch: Scratch) => Deployed)) {
    this.deploy(typeof first === 'function' ? first(this.scratch) : first);
    this.app = startApp(MOVE, { env: { FILE: this.#file, BYE_LOG: 'info' } });
  }

  get #file(): string {
    return this.scratch.path('servers.json');
  }

  /** Says what the next version is. */
  deploy(version: Deployed): void {
    writeFileSync(this.#file, JSON.stringify(version));
  }

  /** The ports of the servers, in their order. */
  async ports(): Promise<readonly number[]> {
    const line = await this.app.waitForLine('ready pid=', { timeoutMs: 20_000 });
    return JSON.parse(/ports=(.*)$/.exec(line)?.[1] ?? '[]') as number[];
  }

  /** Upgrades. @returns the pids, once the new process has taken over */
  async upgrade(generation = 1): Promise<{ old: number; pid: number }> {
    const from = this.app.log.lines.length;
    const old = this.app.current().pid;
    this.app.kill('SIGUSR1', old);
    const { pid } = await this.app.waitForGeneration(generation, { timeoutMs: 20_000 });
    await this.app.waitForLine(`upgraded to generation ${generation}`, { from, timeoutMs: 20_000 });
    return { old, pid };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.dispose();
    this.scratch[Symbol.dispose]();
  }
}

/** Opens connections that have each had an answer. */
export async function openAsked(target: Target, count: number): Promise<StrictConnection[]> {
  const connections = await openFresh(target, count);
  await Promise.all(connections.map((connection) => connection.request(requests.fast(0))));
  return connections;
}

/** Opens connections that have not sent a byte. */
export function openFresh(target: Target, count: number): Promise<StrictConnection[]> {
  return Promise.all(Array.from({ length: count }, () => StrictConnection.open(target)));
}

/** Asks on each connection once. @returns who answered, and whether he said that he closes */
export async function askAll(
  connections: readonly StrictConnection[],
): Promise<{ pid: number | undefined; saidClose: boolean }[]> {
  const answers = await Promise.all(connections.map((connection, index) => connection.request(requests.fast(index))));
  return answers.map(({ pid, saidClose }) => ({ pid, saidClose }));
}
