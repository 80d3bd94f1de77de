import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startApp, startTraffic, type Target } from '@bye/testkit';
import { afterEach, it as anyIt, beforeEach, describe, expect } from 'vitest';
import {
  adoptions,
  allAnsweredBy,
  answeredBy,
  askHttp2,
  askRaw,
  dropped,
  findFreePort,
  type ListenerPlan,
  opened,
  Prober,
  Scratch,
  stop,
  upgrade,
} from '../listeners.js';
import { SERVICE } from '../service.js';

const it = anyIt.skipIf(process.platform !== 'linux');
const UPGRADES = 3;
const CERTIFICATE = readFileSync(new URL('../fixtures/listeners/localhost.pem', import.meta.url));

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
});
afterEach(() => scratch[Symbol.dispose]());

describe('listen() adopts', () => {
  it('every kind of address and server, over three upgrades, and no client fails', async () => {
    const [fixed, path] = [await findFreePort(), scratch.path('app.sock')];
    const abstract = `\0bye-${process.pid}`;
    const listeners: ListenerPlan[] = [
      { name: 'first', listen: { port: 0 } },
      { name: 'second', listen: { port: 0 } },
      { name: 'ipv4', listen: { port: 0, host: '127.0.0.1' } },
      { name: 'ipv6', listen: { port: 0, host: '::1' } },
      { name: 'dual', listen: { port: fixed } },
      { name: 'name', listen: { port: 0, host: 'LOCALHOST' } },
      { name: 'short', listen: { port: 0, host: '127.1' }, attach: 'after' },
      { name: 'unix', listen: { path } },
      { name: 'abstract', listen: { path: abstract } },
      { name: 'https', kind: 'https', listen: { port: 0, host: '127.0.0.1' } },
      { name: 'http2', kind: 'http2', listen: { port: 0, host: '127.0.0.1' } },
      { name: 'raw', kind: 'raw', listen: { port: 0, host: '127.0.0.1' } },
      { name: 'stray', kind: 'raw', listen: { port: 0, host: '127.0.0.1' }, attach: 'none' },
      { name: 'metrics', listen: { port: 0, host: '127.0.0.1' }, attach: 'none' },
    ];
    await using app = scratch.start({ listeners });
    const { pid: firstPid } = await app.waitForGeneration(0);
    const addresses = async (pid: number) =>
      Object.fromEntries(
        await Promise.all(listeners.map(async ({ name }) => [name, (await opened(app, name, pid)).address] as const)),
      );
    const first = await addresses(firstPid);
    const portOf = (name: string) => (first[name] as AddressInfo).port;
    const targets: Record<string, Target> = {
      first: { port: portOf('first'), host: '::1' },
      second: { port: portOf('second') },
      ipv4: { port: portOf('ipv4') },
      ipv6: { port: portOf('ipv6'), host: '::1' },
      dual4: { port: fixed },
      dual6: { port: fixed, host: '::1' },
      name: { port: portOf('name'), host: (first['name'] as AddressInfo).address },
      short: { port: portOf('short') },
      unix: { socketPath: path },
      abstract: { socketPath: abstract },
      https: { port: portOf('https'), tls: { ca: CERTIFICATE, servername: 'localhost' } },
      metrics: { port: portOf('metrics') },
    };
    const loads = Object.entries(targets).map(([name, target]) => ({
      name,
      traffic: startTraffic({ target, keepAliveClients: 2, freshClients: 1, thinkMs: 20, mix: { large: 0 } }),
    }));
    const probers = [
      new Prober(() => askHttp2(portOf('http2')), 20),
      new Prober(() => askRaw({ port: portOf('raw'), host: '127.0.0.1' }), 20),
      new Prober(() => askRaw({ port: portOf('stray'), host: '127.0.0.1' }), 20),
    ];

    const traffic = loads.map((load) => load.traffic);
    await allAnsweredBy(firstPid, traffic);
    for (let generation = 1; generation <= UPGRADES; generation++) {
      const { pid } = await upgrade(app);
      await allAnsweredBy(pid, traffic);
      await Promise.all(probers.map((prober) => prober.answeredBy(pid)));
      expect(await addresses(pid)).toEqual(first);
    }
    await Promise.all(probers.map((prober) => prober.stop()));
    for (const { failures } of probers) expect(failures).toEqual([]);
    for (const { name, traffic } of loads) {
      const { failures, byPid } = await traffic.stop();
      expect(failures, name).toEqual([]);
      expect(byPid.size, name).toBe(UPGRADES + 1);
    }
    expect(adoptions(app)).toHaveLength(UPGRADES * listeners.length);
    expect(dropped(app)).toEqual([]);
    expect(app.log.lines.filter(({ text }) => text.includes('kept=false'))).toEqual([]);
    await stop(app);
    expect(existsSync(path)).toBe(false);
  });
});

it('`listen()` on localhost by Fastify adopts both addresses (T10)', async () => {
  const preload = fileURLToPath(new URL('../fixtures/listeners/both-loopbacks.cjs', import.meta.url));
  const env = { KIND: 'fastify', HOST: 'localhost', BYE_LOG: 'debug' };
  await using app = startApp(['--require', preload, SERVICE], { env });
  const { pid, port } = await app.waitForGeneration(0);
  const loads = ['127.0.0.1', '::1'].map((host) =>
    startTraffic({ target: { port, host }, keepAliveClients: 4, freshClients: 2 }),
  );
  await allAnsweredBy(pid, loads);
  for (let generation = 1; generation <= UPGRADES; generation++) {
    const next = await upgrade(app);
    expect(next.port).toBe(port);
    await allAnsweredBy(next.pid, loads);
  }
  for (const load of loads) {
    const { failures, byPid } = await load.stop();
    expect(failures).toEqual([]);
    expect(byPid.size).toBe(UPGRADES + 1);
  }
  expect(adoptions(app)).toHaveLength(UPGRADES * 2);
  expect(dropped(app)).toEqual([]);
});

it('`listen()` keeps mode and owner of a unix path, however the application set them', async () => {
  const paths = { plain: '700', all: '777', later: '666', atOnce: '660' };
  const path = (name: string) => scratch.path(`${name}.sock`);
  const listeners: ListenerPlan[] = [
    { name: 'plain', listen: { path: path('plain') }, chmod: 0o700 },
    { name: 'all', listen: { path: path('all'), readableAll: true, writableAll: true } },
    { name: 'later', listen: { path: path('later') }, chmod: 0o666 },
    { name: 'atOnce', listen: { path: path('atOnce') }, chmodAtOnce: 0o660 },
  ];
  await using app = scratch.start({ listeners });
  await app.waitForGeneration(0);
  const look = () =>
    Object.keys(paths).map((name) => {
      const { ino, uid, gid, mode } = statSync(path(name));
      return { name, ino, uid, gid, mode: (mode & 0o777).toString(8) };
    });
  const first = look();
  expect(first.map(({ name, mode }) => [name, mode])).toEqual(Object.entries(paths));
  // The next versions leave the modes to whoever was first.
  scratch.plan({ listeners: listeners.map(({ name, listen }) => ({ name, listen })) });
  for (let generation = 1; generation <= UPGRADES; generation++) await upgrade(app);
  expect(look()).toEqual(first);
  await stop(app);
  expect(Object.keys(paths).filter((name) => existsSync(path(name)))).toEqual([]);
});

it('an adopted listener accepts nothing before `ready()`', async () => {
  const path = scratch.path('app.sock');
  const listeners: ListenerPlan[] = [
    { name: 'tcp', listen: { port: 0 } },
    { name: 'unix', listen: { path } },
    { name: 'metrics', listen: { port: 0, host: '127.0.0.1' }, attach: 'none' },
  ];
  await using app = scratch.start({ listeners });
  const { pid: oldPid } = await app.waitForGeneration(0);
  const portOf = async (name: string) => ((await opened(app, name, oldPid)).address as AddressInfo).port;
  const targets = [{ port: await portOf('tcp') }, { port: await portOf('metrics') }, { socketPath: path }];

  const goFile = scratch.path('go');
  scratch.plan({ listeners, options: { readiness: 'manual' }, goFile });
  app.kill('SIGUSR1');
  await app.waitForLine(/^listening pid=\d+ generation=1$/);
  const askAll = () => Promise.all(targets.map((target) => answeredBy(target)));
  for (let round = 0; round < 40; round++) expect(await askAll()).toEqual([oldPid, oldPid, oldPid]);
  expect(app.generations()).toHaveLength(1);

  writeFileSync(goFile, '');
  const { pid } = await app.waitForGeneration(1);
  await app.waitUntilGone(oldPid);
  expect(await askAll()).toEqual([pid, pid, pid]);
});
