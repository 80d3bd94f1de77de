import type { StrictConnection } from '@bye/testkit';
import { expect, it } from 'vitest';
import { Moving, openAsked, openFresh } from './moving.js';

const timeouts = { keepAliveTimeout: 60_000 };

async function count(connection: StrictConnection): Promise<{ count: number; pid: number; index: number }> {
  const { body, saidClose } = await connection.request({ path: '/count', keepBody: true });
  expect(saidClose).toBe(false);
  return JSON.parse(body.toString()) as { count: number; pid: number; index: number };
}

it('connections of several servers arrive at the right ones, over three upgrades', async () => {
  const listens: { port?: number; host?: string; path?: string }[] = [
    { port: 0, host: '127.0.0.1' },
    { port: 0, host: '127.0.0.1' },
    { port: 0, host: '::1' },
    { port: 0 },
  ];
  await using moving = new Moving((scratch) => {
    listens.push({ path: scratch.path('app.sock') });
    return { servers: listens.map((listen) => ({ listen, timeouts })) };
  });
  const ports = await moving.ports();
  const targets = listens.map(({ path: socketPath, host }, index) =>
    socketPath === undefined ? { port: ports[index]!, host: host ?? '127.0.0.1' } : { socketPath },
  );
  const asked = await Promise.all(targets.map((target) => openAsked(target, 10)));
  const fresh = await Promise.all(targets.map((target) => openFresh(target, 10)));
  for (let generation = 1; generation <= 3; generation++) {
    const { old, pid } = await moving.upgrade(generation);
    await moving.app.waitUntilGone(old);
    for (const index of targets.keys()) {
      // The rest stays silent and moves on.
      for (const connections of [asked, fresh]) {
        expect(await count(connections[index]![generation]!)).toEqual({ count: 20, pid, index });
      }
    }
  }
  for (const [index, connections] of [...asked.entries(), ...fresh.entries()]) {
    for (const connection of connections) expect(await count(connection)).toMatchObject({ count: 20, index });
  }
});
