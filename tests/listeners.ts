/** A service with any listeners, and clients for each of them. */

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type App,
  type Generation,
  requests,
  StrictConnection,
  startApp,
  type Target,
  type Traffic,
  until,
} from '@bye/testkit';

const APP = fileURLToPath(new URL('fixtures/listeners/app.mjs', import.meta.url));

/** One listener of the app. */
export interface ListenerPlan {
  readonly name: string;
  /** @defaultValue 'http' */
  readonly kind?: 'http' | 'https' | 'http2' | 'raw';
  readonly listen: net.ListenOptions;
  /** To bye: before or after `listen()`, not at all, or after a `listen()` before bye was asked for. @defaultValue 'before' */
  readonly attach?: 'before' | 'after' | 'none' | 'early';
  /** Listens this long after the others. @defaultValue 0 */
  readonly lateMs?: number;
  /** Changes the mode of its path once it listens, or right after the call of `listen()`. */
  readonly chmod?: number;
  readonly chmodAtOnce?: number;
}

/** What the app does, read anew by each generation. */
export interface Plan {
  readonly listeners: readonly ListenerPlan[];
  /** Of bye. */
  readonly options?: object;
  /** Paths to remove before anything listens, as many programs do. */
  readonly unlinkFirst?: readonly string[];
  /** Removes them itself, or has a shell do it, which nothing can hold back. @defaultValue 'node' */
  readonly unlinkBy?: 'node' | 'shell';
  readonly crash?: 'before-listen' | 'after-listen';
  /** Calls `ready()` once this file is there. */
  readonly goFile?: string;
}

/** A directory for sockets and plans, gone when the test is over. */
export class Scratch implements Disposable {
  /** Absolute and without links. */
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'bye-listeners-')));

  path(name: string): string {
    return join(this.dir, name);
  }

  /** What the next process that starts will do. */
  plan(plan: Plan): void {
    writeFileSync(this.path('plan.json'), JSON.stringify(plan));
  }

  /** Starts the app with a plan. */
  start(plan: Plan, env: Readonly<Record<string, string>> = {}): App {
    this.plan(plan);
    return startApp(APP, { env: { LISTENERS_FILE: this.path('plan.json'), BYE_LOG: 'debug', ...env } });
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Upgrades by signal, and waits until the old process has gone. */
export async function upgrade(app: App): Promise<Generation> {
  const old = app.current();
  app.kill('SIGUSR1');
  const next = await app.waitForGeneration(old.generation + 1, { timeoutMs: 20_000 });
  await app.waitUntilGone(old.pid, { timeoutMs: 20_000 });
  return next;
}

/** Waits until each load has had an answer from this process. */
export async function allAnsweredBy(pid: number, loads: readonly Traffic[]): Promise<void> {
  const what = `every load has had an answer from process ${pid}`;
  await until(() => loads.every((load) => load.counts().byPid.has(pid)), { timeoutMs: 20_000, what });
}

/** Stops the last process by SIGTERM. */
export async function stop(app: App): Promise<void> {
  const { pid } = app.current();
  app.kill('SIGTERM');
  await app.waitUntilGone(pid, { timeoutMs: 20_000 });
}

/** Waits until a listener is open in one process. @returns what `address()` says there, and whether options were left alone */
export async function opened(app: App, name: string, pid: number): Promise<{ address: unknown; kept: boolean }> {
  const line = await app.waitForLine(new RegExp(`^open name=${name} pid=${pid} `), { timeoutMs: 20_000 });
  const [, kept, address = ''] = /kept=(\w+) address=(.*)$/.exec(line) ?? [];
  return { address: JSON.parse(address), kept: kept === 'true' };
}

/** The keys of the listeners that new processes adopted; needs the log level debug. */
export function adoptions(app: App): string[] {
  return app.log.lines.flatMap(({ text }) => / listener (.+) adopted from/.exec(text)?.[1] ?? []);
}

/** The keys of the listeners that new processes closed, as they do not listen there. */
export function dropped(app: App): string[] {
  return app.log.lines.flatMap(({ text }) => / listener (.+) closed, as this version/.exec(text)?.[1] ?? []);
}

/** Asks over a connection of its own which process answers. */
export async function answeredBy(target: Target): Promise<number> {
  const connection = await StrictConnection.open(target);
  try {
    const { pid } = await connection.request({ ...requests.fast(1), close: true });
    if (pid === undefined) throw new Error('the answer does not say which process gave it');
    return pid;
  } finally {
    connection.end();
  }
}

/** A client that asks again and again over new connections; nothing is repeated. */
export class Prober {
  /** Who answered, in order. */
  readonly pids: number[] = [];
  readonly failures: unknown[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(ask: () => Promise<number>, everyMs: number) {
    this.#timer = setInterval(() => {
      const asked = ask().then(
        (pid) => void this.pids.push(pid),
        (error) => void this.failures.push(error),
      );
      this.#pending.add(asked);
      void asked.then(() => this.#pending.delete(asked));
    }, everyMs);
  }

  /** Waits until this process has answered. */
  async answeredBy(pid: number): Promise<void> {
    await until(() => this.pids.includes(pid), { timeoutMs: 20_000, what: `process ${pid} has answered` });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
  }
}

/** A raw server of the app: who answered. */
export function askRaw(target: net.NetConnectOpts): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(target, () => socket.write('?\n'));
    socket.setEncoding('latin1').on('data', (piece) => {
      text += piece;
    });
    socket.on('error', reject).on('close', () => {
      if (/^\d+\n$/.test(text)) resolve(Number(text));
      else reject(new Error(`Closed without an answer: got ${JSON.stringify(text)}`));
    });
  });
}

/**
 * An HTTP/2 server of the app, over a session of its own: who answered. A stream that the server says it has not
 * processed is sent again, as every client does (RFC 9113, 8.7).
 */
export async function askHttp2(port: number): Promise<number> {
  for (;;) {
    const answer = await askHttp2Once(port);
    if (answer !== 'refused') return answer;
  }
}

function askHttp2Once(port: number): Promise<number | 'refused'> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  return new Promise<number | 'refused'>((resolve, reject) => {
    let text = '';
    session.on('error', reject);
    const stream = session.request({ ':path': '/' });
    stream.setEncoding('latin1').on('data', (piece) => {
      text += piece;
    });
    stream.on('error', (error) => {
      if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) resolve('refused');
      else reject(error);
    });
    stream.on('end', () => resolve(Number(text)));
  }).finally(() => session.close());
}

/** @returns a port that was free a moment ago */
export async function findFreePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
