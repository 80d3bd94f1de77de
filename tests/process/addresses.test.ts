import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { requests, StrictConnection } from '@bye/testkit';
import { afterEach, it as anyIt, beforeEach, expect } from 'vitest';
import {
  adoptions,
  answeredBy,
  dropped,
  findFreePort,
  type ListenerPlan,
  opened,
  type Plan,
  Prober,
  Scratch,
  stop,
  upgrade,
} from '../listeners.js';

const it = anyIt.skipIf(process.platform !== 'linux');

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch[Symbol.dispose]());

it('a listener that the new version does not open is closed, and named in the log (T23)', async () => {
  const path = scratch.path('old.sock');
  const kept: ListenerPlan = { name: 'kept', listen: { port: 0 } };
  await using app = scratch.start({
    listeners: [kept, { name: 'gone', listen: { port: 0, host: '127.0.0.1' } }, { name: 'old', listen: { path } }],
  });
  const { pid } = await app.waitForGeneration(0);
  const { port } = (await opened(app, 'gone', pid)).address as AddressInfo;
  scratch.plan({ listeners: [kept] });
  await upgrade(app);
  expect(dropped(app)).toEqual(['tcp:127.0.0.1:0', `unix:${path}`]);
  await expect(answeredBy({ port })).rejects.toMatchObject({ failure: 'refused' });
  await expect(answeredBy({ socketPath: path })).rejects.toMatchObject({ failure: 'refused' });
});

it('a metrics server that listens 500 ms late is adopted', async () => {
  const port = await findFreePort();
  const metrics: ListenerPlan = { name: 'metrics', listen: { port }, attach: 'none', lateMs: 500 };
  await using app = scratch.start({ listeners: [{ name: 'app', listen: { port: 0 } }, metrics] });
  await opened(app, 'metrics', (await app.waitForGeneration(0)).pid);
  const prober = new Prober(() => answeredBy({ port }), 10);
  for (let generation = 1; generation <= 2; generation++) await prober.answeredBy((await upgrade(app)).pid);
  await prober.stop();
  expect(prober.failures).toEqual([]);
  expect(adoptions(app).filter((key) => key === `tcp:*:${port}`)).toHaveLength(2);
  expect(dropped(app)).toEqual([]);
});

it('idle connections of a server that was never attached live on after the upgrade', async () => {
  const metrics: ListenerPlan = { name: 'metrics', listen: { port: 0 }, attach: 'none' };
  await using app = scratch.start({ listeners: [{ name: 'app', listen: { port: 0 } }, metrics] });
  const { pid } = await app.waitForGeneration(0);
  const { port } = (await opened(app, 'metrics', pid)).address as AddressInfo;
  const connection = await StrictConnection.open({ port });
  expect(await connection.request(requests.fast(1))).toMatchObject({ pid });
  app.kill('SIGUSR1');
  const next = await app.waitForGeneration(1);
  await app.waitUntilGone(pid);
  expect(await connection.request(requests.fast(2))).toMatchObject({ pid: next.pid, saidClose: false });
});

it('an address that changed on a held port fails the upgrade with ERR_BYE_ADDRESS_CHANGED', async () => {
  const port = await findFreePort();
  await using app = scratch.start({ listeners: [{ name: 'app', listen: { port, host: '127.0.0.1' } }] });
  const { pid } = await app.waitForGeneration(0);
  scratch.plan({ listeners: [{ name: 'app', listen: { port, host: '0.0.0.0' } }] });
  app.kill('SIGUSR1');
  const line = await app.waitForLine(/upgrade failed, this process serves on/);
  expect(line).toMatch(new RegExp(`^bye\\[${pid}\\].*tcp:0\\.0\\.0\\.0:${port}.*ERR_BYE_ADDRESS_CHANGED`));
  expect(await answeredBy({ port })).toBe(pid);
});

it('a second start on a live address gets EADDRINUSE and harms nothing', async () => {
  const [port, path] = [await findFreePort(), scratch.path('app.sock')];
  for (const listen of [{ port, host: '127.0.0.1' }, { path }]) {
    const target = 'path' in listen ? { socketPath: path } : { port };
    const plan: Plan = { listeners: [{ name: 'app', listen }] };
    await using app = scratch.start(plan);
    const { pid } = await app.waitForGeneration(0);
    const prober = new Prober(() => answeredBy(target), 5);
    await using second = scratch.start(plan);
    expect(await second.waitForExit()).toMatchObject({ code: 1 });
    expect(`${second.log}`).toContain('EADDRINUSE');
    await prober.answeredBy(pid);
    await upgrade(app);
    await prober.stop();
    expect(prober.failures).toEqual([]);
    await stop(app);
  }
  expect(readdirSync(scratch.dir)).toEqual(['plan.json']);
});

it('`attach()` hands on a server that listened before bye was asked for', async () => {
  const path = scratch.path('app.sock');
  const listeners: ListenerPlan[] = [
    { name: 'tcp', listen: { port: 0, host: '127.0.0.1' }, attach: 'early' },
    { name: 'unix', listen: { path }, attach: 'early' },
  ];
  await using app = scratch.start({ listeners });
  const { pid: firstPid } = await app.waitForGeneration(0);
  const { port } = (await opened(app, 'tcp', firstPid)).address as AddressInfo;
  // Whoever listens before bye is there cannot adopt either; from the next version on it attaches first.
  scratch.plan({
    listeners: [
      { name: 'tcp', listen: { port, host: '127.0.0.1' } },
      { name: 'unix', listen: { path } },
    ],
  });
  const prober = new Prober(() => answeredBy({ port }), 10);
  for (let generation = 1; generation <= 2; generation++) {
    const { pid } = await upgrade(app);
    await prober.answeredBy(pid);
    expect(await answeredBy({ socketPath: path })).toBe(pid);
  }
  await prober.stop();
  expect(prober.failures).toEqual([]);
});
