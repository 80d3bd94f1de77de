// Event streams through upgrades and a stop: each EventSource sees every event once, in order, whoever sends it.
import { startApp, until } from '@bye/testkit';
import { EventSource } from 'eventsource';
import { expect, it } from 'vitest';
import { LIVE } from '../service.js';

const CLIENTS = 8;

interface Listener {
  readonly ids: number[];
  pid: number;
  readonly source: EventSource;
}

function listen(port: number): Listener {
  const source = new EventSource(`http://127.0.0.1:${port}/`);
  const listener: Listener = { ids: [], pid: 0, source };
  source.onmessage = ({ lastEventId, data }) => {
    listener.ids.push(Number(lastEventId));
    listener.pid = Number(data);
  };
  return listener;
}

it.each([
  ['events', 5],
  ['fastify-events', 2],
] as const)(
  '%s: every event arrives once and in order over %i upgrades and a stop',
  async (KIND, upgrades) => {
    const SERVICE_OPTIONS = JSON.stringify({ closeSpreadMs: 200, minReadyMs: 100 });
    const env = { KIND, SERVICE_OPTIONS, START: String(Date.now()), BYE_LOG: 'info' };
    await using app = startApp(LIVE, { env });
    const { port } = await app.waitForGeneration(0);
    const listeners = Array.from({ length: CLIENTS }, () => listen(port));
    const untilAllHear = (pid: number) => until(() => listeners.every((one) => one.pid === pid), { what: 'all hear' });
    try {
      for (let generation = 1; generation <= upgrades; generation++) {
        const old = app.current().pid;
        await untilAllHear(old);
        app.kill('SIGUSR1');
        const { pid } = await app.waitForGeneration(generation, { timeoutMs: 20_000 });
        await app.waitUntilGone(old, { timeoutMs: 20_000 });
        await app.waitForLine(new RegExp(`bye\\[${old}\\] info: exit 0`));
        await untilAllHear(pid);
      }
      const last = app.current().pid;
      app.kill('SIGTERM');
      await app.waitForLine(new RegExp(`bye\\[${last}\\] info: exit 0`));
    } finally {
      for (const { source } of listeners) source.close();
    }
    for (const { ids } of listeners) {
      expect(ids.length).toBeGreaterThan(upgrades * 10);
      expect(ids).toEqual(ids.map((_, index) => index));
    }
  },
  60_000,
);
