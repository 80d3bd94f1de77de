/** Clients that mean no good, or know no better: a normal one beside them is served, and the service stays as it is. */

import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type App, openDescriptors, startApp, until } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { encodeFrame } from '../../packages/bye-core/src/channel/frames.js';
import { askControl, ControlClient, STATUS, UPGRADE } from '../control.js';
import { LAB } from '../service.js';
import { act, pass, Scratch, startLab } from './lab.js';

const test = anyTest.skipIf(process.platform !== 'linux');
const MIB = 1024 * 1024;

let scratch: Scratch;
let path: string;
const sockets: Socket[] = [];
beforeEach(() => {
  scratch = new Scratch();
  path = scratch.path('control.sock');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  scratch[Symbol.dispose]();
});

async function start(options: object = {}): Promise<App> {
  const app = startLab({
    options: { controlSocket: path, ...options },
    env: { BREAK_FILE: scratch.breakFile, BYE_LOG: 'warn' },
  });
  await app.waitForGeneration(0);
  return app;
}

/** What a process has used, in user and system mode. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Connects, and resolves once connected; what becomes of it does not matter. */
function silent(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket.off('error', reject).on('error', () => {})));
    socket.once('error', reject);
    sockets.push(socket);
  });
}

/** Sends these bytes, and resolves when the connection is over. */
function send(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    connect(path)
      .on('error', () => {})
      .on('close', () => resolve())
      .resume()
      .write(bytes);
  });
}

async function inParallel(count: number, width: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: width }, run));
}

const announce = (length: number) => {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(length);
  return prefix;
};
const GARBAGE = [
  announce(0xffffffff),
  announce(16 * 1024 + 1),
  Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  Buffer.concat([announce(3), Buffer.from('{{{')]),
  announce(0),
  encodeFrame(null),
  encodeFrame([1, 2, 3]),
  encodeFrame({ bye: 1, request: 'destroy' }),
  encodeFrame({ bye: 2, request: 'stop' }),
  encodeFrame({ Request: 'TryRestart', force: true }),
];

test('100,000 malformed frames and 1,000 idle connections leave an upgrade and the memory alone', {
  timeout: 300_000,
}, async () => {
  await using app = await start();
  const { pid } = app.current();
  // Of the frames of one connection only the first is looked at: BYE_SOAK=1 gives each its own.
  const [CONNECTIONS, FRAMES] = process.env['BYE_SOAK'] === '1' ? [100_000, 1] : [5000, 20];
  const attack = (connections: number) =>
    inParallel(connections, 50, (index) => {
      const bad = GARBAGE[index % GARBAGE.length] as Buffer;
      return send(Buffer.concat(Array.from({ length: FRAMES }, () => bad)));
    });
  await attack(CONNECTIONS / 5);
  const before = rssOf(pid);
  await inParallel(1000, 100, silent);
  await attack((CONNECTIONS * 4) / 5);
  expect((await act(app.current(), '/can')).pid).toBe(pid);
  const after = rssOf(pid);
  if (process.env['BYE_SOAK'] === '1') console.log(`grew by ${(after - before) / MIB} MiB`);
  // 16 KiB for each connection, or a few bytes for each frame kept, would be more.
  expect(after - before).toBeLessThan(40 * MIB);
  expect(await askControl(path, UPGRADE)).toMatchObject({ ok: true, generation: 1 });
  await app.waitForGeneration(1);
});

test('of a thousand silent connections at once only some are kept, and none of those who ask is lost', async () => {
  await using app = await start();
  const { pid } = app.current();
  const idle = openDescriptors(pid).total;
  const results: unknown[] = [];
  await inParallel(1000, 100, async (index) => {
    await silent();
    if (index % 10 === 0) results.push(await askControl(path, STATUS));
  });
  expect(results).toHaveLength(100);
  for (const result of results) expect(result).toMatchObject({ ok: true });
  await until(() => openDescriptors(pid).total <= idle + 256, { timeoutMs: 5000, what: 'most of them were closed' });
  // And the rest stays for those who ask.
  expect(await askControl(path, STATUS)).toMatchObject({ ok: true });
});

test('a request that comes byte by byte is heard', async () => {
  await using app = await start();
  const slow = new ControlClient(path);
  for (const byte of encodeFrame({ bye: 1, ...STATUS })) {
    slow.socket.write(Buffer.of(byte));
    await pass(2);
  }
  expect(await slow.result()).toMatchObject({ ok: true, request: 'status', status: { pid: app.pid } });
});

test('what is no request is refused with its reason', async () => {
  await using app = await start();
  for (const [reason, bytes] of [
    ['too-long', announce(16 * 1024 + 1)],
    ['not-json', Buffer.concat([announce(2), Buffer.from('{]')])],
    ['not-json', announce(0)],
    ['not-an-object', encodeFrame('upgrade')],
    ['version', encodeFrame({ request: 'upgrade' })],
    ['version', encodeFrame({ bye: 99, request: 'upgrade' })],
    ['unknown', encodeFrame({ bye: 1, request: 'restart' })],
    ['field', encodeFrame({ bye: 1, request: 'upgrade', force: 'yes' })],
  ] as const) {
    const client = new ControlClient(path);
    client.socket.write(bytes);
    expect(await client.result()).toMatchObject({
      ok: false,
      request: 'unknown',
      error: { code: 'ERR_BYE_CONTROL_REQUEST', data: { reason } },
    });
    expect(client.error).toBeUndefined();
  }
  expect(app.isRunning(app.pid)).toBe(true);
});

test('a connection that ends in the middle of a request is told, one without a word is not', async () => {
  await using app = await start();
  const half = new ControlClient(path);
  half.socket.end(announce(10));
  expect(await half.result()).toMatchObject({ error: { data: { reason: 'incomplete' } } });
  const mute = new ControlClient(path);
  mute.socket.end();
  await mute.closed;
  expect(mute.bytes).toHaveLength(0);
  expect(app.isRunning(app.pid)).toBe(true);
});

test('clients that read nothing hold up neither an upgrade nor the exit, and cost a bounded amount', async () => {
  await using app = await start();
  const { pid, port } = app.current();
  const before = rssOf(pid);
  for (let index = 0; index < 300; index++) {
    const socket = await silent();
    socket.pause().write(encodeFrame({ bye: 1, request: 'status', watch: true }));
  }
  // Each event goes to each of them.
  scratch.deploy('crash');
  for (let index = 0; index < 5; index++) expect(await askControl(path, UPGRADE)).toMatchObject({ ok: false });
  expect(rssOf(pid) - before).toBeLessThan(60 * MIB);
  scratch.deploy('');
  const request = act({ port }, '/wait?ms=3000');
  await app.waitForLine('request /wait');
  expect(await askControl(path, { ...UPGRADE, wait: true })).toMatchObject({
    ok: true,
    drain: { requestsFinished: 1 },
  });
  await request;
  await app.waitForGeneration(1);
  await app.waitUntilGone(pid);
});

test('more connections than there are descriptors end nothing, and do not make it spin', async () => {
  const command = ['-c', 'ulimit -n 80; exec "$0" "$@"', process.execPath, LAB];
  const env = { SERVICE_OPTIONS: JSON.stringify({ controlSocket: path }) };
  await using app = startApp(command, { execPath: '/bin/sh', env });
  const { pid } = await app.waitForGeneration(0);
  await inParallel(200, 50, silent);
  await until(() => openDescriptors(pid).total >= 79, { what: 'every descriptor is taken' });
  const before = cpuTicks(pid);
  await pass(500);
  // A loop that spins takes some 50 of them.
  expect(cpuTicks(pid) - before).toBeLessThan(25);
  for (const socket of sockets.splice(0)) socket.destroy();
  await until(async () => (await askControl(path, STATUS).catch(() => ({ ok: false }))).ok, {
    what: 'it answers again',
  });
  expect(await askControl(path, STATUS)).toMatchObject({ status: { pid } });
});

test('who sends more than one request is answered once, and cut off if it goes on', async () => {
  await using app = await start();
  const twice = new ControlClient(path).ask(STATUS).ask(STATUS);
  expect(await twice.result()).toMatchObject({ ok: true });
  const watch = new ControlClient(path).ask({ request: 'status', watch: true });
  watch.socket.write(Buffer.alloc(256 * 1024));
  await watch.closed;
  expect(app.isRunning(app.pid)).toBe(true);
});
