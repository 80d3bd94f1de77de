/** Owns the measurement of one way to stop a service: it starts, is used, gets SIGTERM under load, and ends. */
import { setTimeout as delay } from 'node:timers/promises';
import { Load } from '../load/load.js';
import type { Failure } from '../load/recorder.js';
import { dispose, endProcess, startServer, whileRunning } from '../processes.js';
import { countBy, round, type Spread, spreadOf } from '../report/stats.js';
import type { Stopper } from './contender.js';

const BEFORE_MS = 1000;

export interface StopRow {
  readonly name: string;
  readonly isOurs: boolean;
  readonly setup: string;
  readonly stops: number;
  readonly sent: number;
  readonly failed: number;
  readonly failedPerMillion: number;
  readonly failedPerStop: number;
  /** On connections that had brought an answer before. */
  readonly failedOnUsed: number;
  /** On connections that the kernel had accepted just before. */
  readonly failedOnNew: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Connects that were refused after the signal: no failures. */
  readonly refused: number;
  /** From the signal to the end of the process. */
  readonly durationMs: Spread;
  /** Stops that did not end within the limit. */
  readonly killed: number;
}

interface Stop {
  readonly sent: number;
  readonly failures: readonly Failure[];
  readonly refused: number;
  readonly durationMs: number;
  readonly endedItself: boolean;
}

export async function measureStops(stopper: Stopper, count: number): Promise<StopRow> {
  const stops: Stop[] = [];
  for (let index = 0; index < count; index++) stops.push(await stopOnce(stopper));
  const sum = (of: (stop: Stop) => number): number => stops.reduce((total, stop) => total + of(stop), 0);
  const failures = stops.flatMap((stop) => stop.failures);
  const onUsed = failures.filter(({ used }) => used).length;
  return {
    name: stopper.name,
    isOurs: stopper.isOurs ?? false,
    setup: stopper.setup,
    stops: count,
    sent: sum(({ sent }) => sent),
    failed: failures.length,
    failedPerMillion: Math.round((failures.length / sum(({ sent }) => sent)) * 1_000_000),
    failedPerStop: round(failures.length / count),
    failedOnUsed: onUsed,
    failedOnNew: failures.length - onUsed,
    failures: countBy(failures.map(({ kind }) => kind)),
    refused: sum(({ refused }) => refused),
    durationMs: spreadOf(stops.map(({ durationMs }) => durationMs)),
    killed: stops.filter(({ endedItself }) => !endedItself).length,
  };
}

async function stopOnce({ server, env = {} }: Stopper): Promise<Stop> {
  const { app, port } = await startServer(server, { env });
  const end = whileRunning(() => dispose(app));
  try {
    const load = new Load({ port });
    await delay(BEFORE_MS);
    load.letRefusalsEnd();
    const fromMs = performance.now();
    const endedItself = await endProcess(app, app.pid);
    const durationMs = performance.now() - fromMs;
    await load.finished();
    const { recorder, refused } = load;
    return { sent: recorder.sent, failures: recorder.failures, refused, durationMs, endedItself };
  } finally {
    await end();
  }
}
