/** Every way in which a framework's application comes to a server, as real processes of fixtures/frameworks. */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import {
  type App,
  createRandom,
  digest,
  type StartOptions,
  seededBuffer,
  startApp,
  startTraffic,
  type Target,
  until,
} from '@bye/testkit';
import { expect } from 'vitest';
import { Http2Client } from './http2-client.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/frameworks/', import.meta.url));
const CLI = createRequire(import.meta.url).resolve('fastify-cli/cli.js');

/** A large framework may take its time to load where much else runs. */
export const PATIENT = { timeoutMs: 30_000 };

/** One way in: a program, and what its environment says. */
export interface Way {
  readonly name: string;
  /** Below fixtures/frameworks. */
  readonly program: string;
  readonly env?: StartOptions['env'];
  /** @defaultValue 'http' */
  readonly speaks?: 'http' | 'https' | 'http2';
  /** @defaultValue true */
  readonly takesUploads?: boolean;
}

type Spoken = Pick<Way, 'speaks' | 'takesUploads'>;

/** Starts it by `node`, with these flags before the program. */
export function startWay({ program, env }: Way, flags: readonly string[] = []): App {
  return startApp([...flags, `${FIXTURES}${program}`], {
    env: { BYE_LOG: 'info', BYE_KEEP_ALIVE_GRACE_MS: '200', ...env },
  });
}

/** `fastify start` on an application of autoloaded plugins, where fastify-bye is below the root. */
export function startFastifyCli(flags: readonly string[], env: StartOptions['env'] = {}): App {
  const start = ['start', '--address', '127.0.0.1', '--log-level', 'info', ...flags, `${FIXTURES}fastify-cli/app.mjs`];
  return startApp([CLI, ...start], { env: { PORT: '0', BYE_KEEP_ALIVE_GRACE_MS: '200', ...env } });
}

/**
 * Replaces it by itself and stops it, under a load of which no request fails.
 *
 * @param lastWords what the end is known by: fastify-cli exits before bye can say how it ended
 */
export async function upgradeAndStop(app: App, each: Spoken, lastWords = /exit 0/): Promise<void> {
  const { pid: first, port } = await app.waitForGeneration(0, PATIENT);
  const load = startLoad(each, port);
  await load.answeredBy(first);

  app.kill('SIGUSR1');
  const { pid: second } = await app.waitForGeneration(1, PATIENT);
  await load.answeredBy(second);
  expect(await app.waitForExit(PATIENT)).toEqual({ code: 0, signal: null });

  await load.beforeStop();
  app.kill('SIGTERM');
  expect(await load.end()).toEqual([]);
  await app.waitForLine(new RegExp(`\\b${second}\\b.*${lastWords.source}`), PATIENT);
  await app.waitUntilGone(second, PATIENT);
}

/** A load of any protocol, of which not one request may fail. */
interface Load {
  /** Waits until this process has answered, or a request failed. */
  answeredBy(pid: number): Promise<void>;
  /** Before a stop: whoever comes later is refused by the kernel. */
  beforeStop(): Promise<void>;
  /** Resolves once the clients have ended. @returns what failed */
  end(): Promise<readonly unknown[]>;
}

function startLoad(way: Spoken, port: number): Load {
  return way.speaks === 'http2' ? loadHttp2(port) : loadHttp1(way, port);
}

function loadHttp1({ speaks, takesUploads = true }: Spoken, port: number): Load {
  const tls = speaks === 'https' ? { tls: { rejectUnauthorized: false } } : {};
  const target: Target = { port, host: '127.0.0.1', ...tls };
  const mix = { fast: 60, echo: takesUploads ? 20 : 0, slow: 20, slowMs: 100, large: 0, headersSet: 0 };
  const traffic = startTraffic({ target, keepAliveClients: 8, freshClients: 2, mix });
  return {
    answeredBy: (pid) => hasAnswered(pid, () => traffic.counts().byPid.has(pid) || traffic.counts().failed > 0),
    beforeStop: () => traffic.stopConnecting(),
    async end() {
      const { failures, reconnects, idleCloses, failed } = await traffic.finished;
      return [...failures, ...(failed > failures.length ? [{ failed, reconnects, idleCloses }] : [])];
    },
  };
}

/** Conforming clients: what they send again was refused unprocessed. */
function loadHttp2(port: number): Load {
  const clients = [1, 2].map(() => new Http2Client(`https://127.0.0.1:${port}`));
  const pids = new Set<number>();
  const failures: unknown[] = [];
  let isStopping = false;
  const lanes = [1, 2, 3, 4].map(async (seed) => {
    const random = createRandom(seed);
    while (!isStopping && failures.length === 0) {
      const sent = seededBuffer(seed, random.integer(30_000));
      const { headers, body } = await (clients[seed % 2] as Http2Client).send(sent);
      if (String(body) !== digest(sent)) throw new Error(`Not the digest of what was sent: ${body}`);
      pids.add(Number(headers['x-pid']));
    }
  });
  // What the stop refused unprocessed has nowhere else to go here.
  const isRefused = ({ cause }: Error) =>
    isStopping && (cause as { code?: string } | undefined)?.code === 'ECONNREFUSED';
  const ended = Promise.all(lanes.map((lane) => lane.catch((error) => isRefused(error) || failures.push(error))));
  return {
    answeredBy: (pid) => hasAnswered(pid, () => pids.has(pid) || failures.length > 0),
    beforeStop: async () => {},
    async end() {
      isStopping = true;
      await ended;
      for (const client of clients) client.close();
      return failures;
    },
  };
}

async function hasAnswered(pid: number, condition: () => boolean): Promise<void> {
  await until(condition, { ...PATIENT, everyMs: 5, what: `process ${pid} has answered` });
}
