import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type App, startApp } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { answeredBy, Scratch, stop, upgrade } from '../listeners.js';

const test = anyTest.skipIf(process.platform !== 'linux');
const ACTIVATOR = fileURLToPath(new URL('../fixtures/activator.mjs', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../fixtures/activated.mjs', import.meta.url));

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = new Scratch();
  path = scratch.path('app.sock');
});
afterEach(() => scratch[Symbol.dispose]());

/** Three sockets, a unix one among them; the second has a fixed address that `listen(port)` alone would not match. */
function start(env: Readonly<Record<string, string>> = {}): App {
  const sockets = [
    { name: 'web', listen: { port: 0, host: '0.0.0.0' } },
    { name: 'control', listen: { path } },
    { name: 'admin', listen: { port: 0, host: '127.0.0.1' } },
  ];
  return startApp([ACTIVATOR, PROGRAM], {
    env: { SOCKETS: JSON.stringify(sockets), OPEN_FILE: scratch.path('open'), BYE_LOG: 'info', ...env },
  });
}

async function portOf(app: App, name: string): Promise<number> {
  return Number(/port=(\d+)/.exec(await app.waitForLine(`activated name=${name} `))?.[1]);
}

async function portsIn(app: App, pid: number): Promise<unknown> {
  return JSON.parse((await app.waitForLine(`ports pid=${pid} `)).replace(/^ports pid=\d+ /, ''));
}

function dropped(app: App): boolean {
  return `${app.log}`.includes('as this version does not listen on it');
}

test('`systemdPorts()` and `systemdTcpListener()` give the same in each generation', async () => {
  writeFileSync(scratch.path('open'), '');
  await using app = start({ SOCKET_PATH: path });
  const first = await app.waitForGeneration(0);
  const ports = [await portOf(app, 'web'), await portOf(app, 'admin')];
  let { pid } = first;
  for (let generation = 0; ; generation++) {
    expect(await portsIn(app, pid)).toEqual(ports);
    for (const port of ports) expect(await answeredBy({ port })).toBe(pid);
    expect(await answeredBy({ socketPath: path })).toBe(pid);
    if (generation === 3) break;
    pid = (await upgrade(app)).pid;
  }
  expect(dropped(app)).toBe(false);
  await stop(app);
});

test('activated sockets that nobody claims are passed on, and a later version may claim them', async () => {
  await using app = start();
  await app.waitForGeneration(0);
  const ports = [await portOf(app, 'web'), await portOf(app, 'admin')];
  for (let generation = 1; generation <= 2; generation++) {
    expect(await portsIn(app, (await upgrade(app)).pid)).toEqual(ports);
  }
  // Until somebody accepts them the kernel keeps the connections.
  const waiting = Promise.all(ports.map((port) => answeredBy({ port })));
  writeFileSync(scratch.path('open'), '');
  const { pid } = await upgrade(app);
  expect(await waiting).toEqual([pid, pid]);
  expect(dropped(app)).toBe(false);
  await stop(app);
});

test('the path of an activated unix socket is systemd’s, and stays at the last stop', async () => {
  await using app = start({ SOCKET_PATH: path });
  await app.waitForGeneration(0);
  await upgrade(app);
  await stop(app);
  expect(existsSync(path)).toBe(true);
});

test('`systemdPorts()` is empty where LISTEN_PID is another process', async () => {
  await using app = start({ LISTEN: 'wrong' });
  const { pid } = await app.waitForGeneration(0);
  expect(await portsIn(app, pid)).toEqual([]);
});

test('`systemdPorts()` names the variable where LISTEN_FDS is garbage', async () => {
  await using app = start({ LISTEN: 'garbage' });
  expect(await app.waitForLine(/^failed /)).toMatch(/ERR_BYE_ENVIRONMENT.*LISTEN_FDS.*"three"/);
});
