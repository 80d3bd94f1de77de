// Event streams through upgrades and a stop: each EventSource sees every event once, in order, whoever sends it.
import { startApp, until } from '@bye/testkit';
import { expect, it } from 'vitest';
import { LIVE } from '../service.js';
import { listenToEvents } from './event-clients.js';
import { Scratch } from './lab.js';
import { writeCertificate } from './tls.js';

const CLIENTS = 8;

/** With `BYE_SOAK=1`. */
const SOAKED = [
  ['fastify-events', 'https', 5],
  ['fastify-events', 'http2', 5],
] as const;
const isSoak = process.env['BYE_SOAK'] === '1';

it.each([
  ['events', 'http', 5],
  ['fastify-events', 'http', 2],
  ['events', 'https', isSoak ? 20 : 1],
  ['events', 'http2', isSoak ? 20 : 1],
  ...(isSoak ? SOAKED : []),
] as const)(
  '%s over %s: every event arrives once and in order over upgrades (%i) and a stop',
  async (KIND, PROTOCOL, upgrades) => {
    using scratch = new Scratch();
    const CERTIFICATE = PROTOCOL === 'http' ? undefined : writeCertificate(scratch);
    const SERVICE_OPTIONS = JSON.stringify({ closeSpreadMs: 200, minReadyMs: 100 });
    const env = { KIND, PROTOCOL, CERTIFICATE, SERVICE_OPTIONS, START: String(Date.now()), BYE_LOG: 'info' };
    await using app = startApp(LIVE, { env });
    const { port } = await app.waitForGeneration(0);
    const listeners = Array.from({ length: CLIENTS }, () => listenToEvents(port, PROTOCOL));
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
    for (const { ids, endings } of listeners) {
      expect(endings).toEqual(Array(upgrades + 1).fill(true));
      expect(ids.length).toBeGreaterThan(upgrades * 10);
      expect(ids).toEqual(ids.map((_, index) => index));
    }
  },
  120_000,
);
