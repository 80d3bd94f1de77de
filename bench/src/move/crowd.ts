/** A process that holds idle connections: each end of one takes a descriptor, and no process has enough for both. */
import { setTimeout as delay } from 'node:timers/promises';
import { NotSent, requests, StrictConnection } from '@bye/testkit';
import type { Census, Order, Probe } from './crowd-messages.js';

const AT_ONCE = 100;
const PROBE_PAUSE_MS = 20;

const connections: StrictConnection[] = [];
const probes: Probe[] = [];
const probing: Promise<void>[] = [];
let failed = 0;
let isOver = false;

process.on('message', async (order: Order) => {
  process.send?.(await obey(order));
});

async function obey(order: Order): Promise<Census | Record<string, never>> {
  if (order.do === 'open') await open(order.port, order.count);
  else if (order.do === 'probe') probing.push(...connections.slice(0, order.count).map(probe));
  else return ask(order.pid);
  return {};
}

async function open(port: number, count: number): Promise<void> {
  while (connections.length < count) {
    const some = Math.min(AT_ONCE, count - connections.length);
    const opened = await Promise.all(Array.from({ length: some }, () => StrictConnection.open({ port })));
    await Promise.all(opened.map((connection) => connection.request(requests.fast(0))));
    connections.push(...opened);
  }
}

async function probe(connection: StrictConnection): Promise<void> {
  while (!isOver && connection.usable) {
    const at = Date.now();
    try {
      const { durationMs } = await connection.request(requests.fast(1));
      probes.push({ at, durationMs });
    } catch (error) {
      if (!(error instanceof NotSent)) failed++;
    }
    await delay(Math.random() * 2 * PROBE_PAUSE_MS);
  }
}

async function ask(pid: number): Promise<Census> {
  isOver = true;
  await Promise.all(probing);
  const counts = { moved: 0, elsewhere: 0, closed: 0 };
  for (let from = 0; from < connections.length; from += AT_ONCE) {
    await Promise.all(
      connections.slice(from, from + AT_ONCE).map(async (connection) => {
        try {
          const answer = await connection.request(requests.fast(2));
          if (answer.pid === pid) counts.moved++;
          else counts.elsewhere++;
        } catch (error) {
          if (error instanceof NotSent) counts.closed++;
          else failed++;
        }
      }),
    );
  }
  return { ...counts, failed, probes };
}
