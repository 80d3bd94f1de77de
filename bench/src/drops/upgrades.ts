/** Owns the measurement of one way to replace a service: a load that never ends, and one replacement after another. */
import { setTimeout as delay } from 'node:timers/promises';
import { KEEP_ALIVE_CLIENTS, Load } from '../load/load.js';
import { whileRunning } from '../processes.js';
import { countBy, type Latency, latencyOf, round, type Spread, spreadOf } from '../report/stats.js';
import type { Contender } from './contender.js';

const WARM_UP_MS = 1000;
/** The second without a replacement, and the second around one. */
const SECOND_MS = 1000;
/** What comes late still comes. */
const SETTLE_MS = 500;

export interface UpgradeRow {
  readonly name: string;
  readonly isOurs: boolean;
  readonly setup: string;
  readonly switches: number;
  readonly sent: number;
  readonly failed: number;
  readonly failedPerMillion: number;
  readonly failedPerSwitch: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Of the 64 clients that keep theirs, on average. */
  readonly connectionsSurvived: number;
  /** From the command to the end of the last replaced process. */
  readonly durationMs: Spread;
  /** From the first answer of the new version to that end; 0 if the new version came after it. */
  readonly drainMs: Spread;
  readonly latency: {
    /** The second before the command. */
    readonly calm: Latency | undefined;
    /** The second around the first answer of the new version. */
    readonly around: Latency | undefined;
    /** From the command to the end of the replaced processes. */
    readonly whole: Latency | undefined;
  };
}

export async function measureUpgrades(contender: Contender, switches: number): Promise<UpgradeRow> {
  const service = await contender.start();
  const end = whileRunning(() => service[Symbol.asyncDispose]());
  const load = new Load({ port: service.port, pipelined: contender.pipelined ?? false });
  const { recorder } = load;
  const durations: number[] = [];
  const drains: number[] = [];
  const survivors: number[] = [];
  const times = { calm: [] as number[], around: [] as number[], whole: [] as number[] };
  await delay(WARM_UP_MS);
  try {
    for (let index = 0; index < switches; index++) {
      await delay(SECOND_MS);
      const connections = load.connections();
      const fromMs = performance.now();
      await service.replace();
      const toMs = performance.now();
      await delay(SETTLE_MS);
      durations.push(toMs - fromMs);
      survivors.push(load.countSurvivors(connections));
      const turnMs = recorder.firstNewcomerMs(fromMs) ?? toMs;
      drains.push(Math.max(0, toMs - turnMs));
      times.calm.push(...recorder.durationsIn({ fromMs: fromMs - SECOND_MS, toMs: fromMs }));
      times.around.push(...recorder.durationsIn({ fromMs: turnMs - SECOND_MS / 2, toMs: turnMs + SECOND_MS / 2 }));
      times.whole.push(...recorder.durationsIn({ fromMs, toMs }));
    }
  } finally {
    await load.stop();
    await end();
  }
  const { sent, failures } = recorder;
  const sum = survivors.reduce((total, count) => total + count, 0);
  return {
    name: contender.name,
    isOurs: contender.isOurs ?? false,
    setup: contender.setup,
    switches,
    sent,
    failed: failures.length,
    failedPerMillion: Math.round((failures.length / sent) * 1_000_000),
    failedPerSwitch: round(failures.length / switches),
    failures: countBy(failures.map(({ kind }) => kind)),
    connectionsSurvived: Math.min(KEEP_ALIVE_CLIENTS, round(sum / switches)),
    durationMs: spreadOf(durations),
    drainMs: spreadOf(drains),
    latency: { calm: latencyOf(times.calm), around: latencyOf(times.around), whole: latencyOf(times.whole) },
  };
}
