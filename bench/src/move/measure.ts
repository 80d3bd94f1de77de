/** Owns one measurement of a move: many idle connections, one upgrade, and what has become of each. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { App } from '@bye/testkit';
import { dispose, startServer, whileRunning } from '../processes.js';
import { type Latency, latencyOf } from '../report/stats.js';
import type { Census, Order } from './crowd-messages.js';

const CROWD = fileURLToPath(new URL('crowd.ts', import.meta.url));
/** What one client process holds. */
const MOST_EACH = 5000;
/** Connections that are in use while all the others are idle. */
export const PROBES = 64;
const CALM_MS = 1500;
/** Two processes' clocks, and the time until a line is read. */
const SLACK_MS = 50;

export interface Move {
  /** By the count of bye: all that had gone before the listeners were closed. */
  readonly movedIdle: number;
  /** From the first connection to the last. */
  readonly totalMs: number;
  /** The longest time for which one connection was on its way. */
  readonly longestMs: number;
  readonly moved: number;
  readonly lost: number;
  /** Requests of connections that are in use, as the client sees them: in a second before, and while the others move. */
  readonly calm: Latency | undefined;
  readonly during: Latency | undefined;
}

export async function measureMove(connections: number, core?: string): Promise<Move> {
  const env = core === undefined ? {} : { BYE_CORE: core };
  const { app, port } = await startServer('move.mjs', { env });
  const crowds = Array.from({ length: Math.ceil(connections / MOST_EACH) }, startCrowd);
  const end = whileRunning(async () => {
    for (const crowd of crowds) crowd.kill('SIGKILL');
    await dispose(app);
  });
  const share = Math.ceil(connections / crowds.length);
  try {
    await Promise.all(
      crowds.map((crowd, index) =>
        order(crowd, { do: 'open', port, count: Math.min(share, connections - index * share) }),
      ),
    );
    const probes = Math.ceil(PROBES / crowds.length);
    for (const crowd of crowds) await order(crowd, { do: 'probe', count: probes });
    await delay(CALM_MS);
    const calmUntil = Date.now();
    const { pid, event } = await upgrade(app);
    const parts = await Promise.all(crowds.map((crowd) => order(crowd, { do: 'ask', pid }) as Promise<Census>));
    const timed = parts.flatMap((part) => part.probes);
    const between = (from: number, to: number): number[] =>
      timed.filter(({ at, durationMs }) => at + durationMs >= from && at <= to).map(({ durationMs }) => durationMs);
    const moved = parts.reduce((sum, part) => sum + part.moved, 0);
    return {
      movedIdle: event.moved,
      totalMs: event.durationMs,
      longestMs: event.slowestMs,
      moved,
      lost: connections - moved,
      calm: latencyOf(between(calmUntil - 1000, calmUntil)),
      during: latencyOf(between(event.at - event.durationMs - SLACK_MS, event.at + SLACK_MS)),
    };
  } finally {
    await end();
  }
}

interface MovedEvent {
  readonly moved: number;
  readonly durationMs: number;
  readonly slowestMs: number;
  readonly at: number;
}

async function upgrade(app: App): Promise<{ pid: number; event: MovedEvent }> {
  const { pid: old } = app.current();
  app.kill('SIGUSR1', old);
  const { pid } = await app.waitForGeneration(1, { timeoutMs: 30_000 });
  const line = await app.waitForLine(/^moved /, { timeoutMs: 30_000 });
  await app.waitUntilGone(old, { timeoutMs: 30_000 });
  return { pid, event: JSON.parse(line.slice('moved '.length)) as MovedEvent };
}

function startCrowd(): ChildProcess {
  return fork(CROWD, { execArgv: ['--import', 'tsx'], stdio: 'inherit' });
}

async function order(crowd: ChildProcess, what: Order): Promise<unknown> {
  crowd.send(what);
  const exited = once(crowd, 'exit').then(([code]) => {
    throw new Error(`A client process ended with ${code}`);
  });
  const [answer] = (await Promise.race([once(crowd, 'message'), exited])) as [unknown];
  exited.catch(() => {});
  return answer;
}
