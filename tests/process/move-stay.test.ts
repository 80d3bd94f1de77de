import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, get } from 'node:https';
import { expect, it } from 'vitest';
import { askAll, type Deployed, Moving, openAsked } from './moving.js';

// Connections that do not move: they are served by the old process, which asks to reconnect with the next answer.

const LOCAL = { port: 0, host: '127.0.0.1' };
const LONG = { keepAliveTimeout: 60_000 };

/** Upgrades from one version to the other. @returns who answers on connections from before, and what he says */
async function upgradeWith(first: Deployed, second: Deployed, count = 4) {
  await using moving = new Moving(first);
  const [port = 0] = await moving.ports();
  const connections = await openAsked({ port }, count);
  moving.deploy(second);
  const { old, pid } = await moving.upgrade();
  const answers = await askAll(connections);
  await moving.app.waitUntilGone(old);
  return { old, pid, answers, log: moving.app.log.toString() };
}

const plain: Deployed = { servers: [{ listen: LOCAL, timeouts: LONG }] };
const reading: Deployed = { servers: [{ listen: LOCAL, timeouts: LONG, reads: true }] };
const tls = readFileSync(new URL('../fixtures/listeners/localhost.pem', import.meta.url), 'utf8');
const encrypted: Deployed = { servers: [{ listen: LOCAL, timeouts: LONG, tls }] };
const staying = { options: { moveConnections: false }, ...plain };

it.each([
  ["of a server with a 'connection' listener of the application's", reading, reading],
  ['to a server that has one', plain, reading],
  ['to a server that is https now', plain, encrypted],
  ['of a process that does not want it', staying, plain],
  ['to a process that does not want it', plain, staying],
])('a connection %s stays', async (_name, first, second) => {
  const { old, answers } = await upgradeWith(first, second);
  expect(answers).toEqual(Array(4).fill({ pid: old, saidClose: true }));
});

it('`maxConnections` of the new version is kept, and what has no room stays', async () => {
  const full = { servers: [{ listen: LOCAL, timeouts: LONG, limit: 5 }] };
  const { old, pid, answers } = await upgradeWith(plain, full, 8);
  expect(answers.filter((answer) => answer.pid === pid && !answer.saidClose)).toHaveLength(5);
  expect(answers.filter((answer) => answer.pid === old && answer.saidClose)).toHaveLength(3);
});

it('`moveConnections` decides for each, and one for which it throws stays', async () => {
  const some: Deployed = { decide: 'everyOther', ...plain };
  const { pid, old, answers, log } = await upgradeWith(some, plain, 40);
  const moved = answers.filter((answer) => answer.pid === pid && !answer.saidClose);
  expect(moved).toHaveLength(20);
  expect(answers.filter((answer) => answer.pid === old && answer.saidClose)).toHaveLength(20);
  expect(log).not.toContain('threw');
  const throwing = await upgradeWith({ decide: 'throw', ...plain }, plain, 1);
  expect(throwing.answers).toEqual([{ pid: throwing.old, saidClose: true }]);
  expect(throwing.log).toContain("a connection stays, as option 'moveConnections' threw: Error: no verdict");
});

it.skipIf(!existsSync('/usr/bin/prlimit'))('what a new process has no descriptors for stays (M6)', async () => {
  await using moving = new Moving({ decide: 'slowly', ...plain });
  const { app } = moving;
  const [port = 0] = await moving.ports();
  const connections = await openAsked({ port }, 100);
  const old = app.current().pid;
  app.kill('SIGUSR1', old);
  const { pid } = await app.waitForGeneration(1, { timeoutMs: 20_000 });
  execFileSync('/usr/bin/prlimit', ['--pid', String(pid), '--nofile=60:60']);
  await app.waitForLine('upgraded to generation 1', { timeoutMs: 20_000 });
  const answers = await askAll(connections);
  const moved = answers.filter((answer) => answer.pid === pid && !answer.saidClose).length;
  expect(moved).toBeGreaterThan(0);
  expect(answers.filter((answer) => answer.pid === old && answer.saidClose)).toHaveLength(100 - moved);
  expect(moved).toBeLessThan(60);
});

it('a TLS connection stays, and ends with its next answer', async () => {
  await using moving = new Moving({ servers: [{ listen: LOCAL, timeouts: LONG, tls }] });
  const [port = 0] = await moving.ports();
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  const ask = async () => {
    const request = get({ port, host: '127.0.0.1', path: '/count', agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const { pid } = JSON.parse(Buffer.concat(await response.toArray()).toString()) as { pid: number };
    return { pid, connection: response.headers.connection, reused: request.reusedSocket };
  };
  const { pid: old } = await ask();
  const { pid } = await moving.upgrade();
  expect(await ask()).toEqual({ pid: old, connection: 'close', reused: true });
  expect(await ask()).toEqual({ pid, connection: 'keep-alive', reused: false });
  agent.destroy();
  await moving.app.waitUntilGone(old);
});
