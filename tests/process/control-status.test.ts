/** Stop and status by the control socket, on a real service. */

import { existsSync } from 'node:fs';
import type { App } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { askControl, ControlClient, STATUS, STOP, UPGRADE } from '../control.js';
import { act, Scratch, startLab } from './lab.js';

const test = anyTest.skipIf(process.platform === 'win32');

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = new Scratch();
  path = scratch.path('control.sock');
});
afterEach(() => scratch[Symbol.dispose]());

function start(options: object = {}): App {
  return startLab({ options: { controlSocket: path, ...options }, env: { BREAK_FILE: scratch.breakFile } });
}

test('stop is answered with how the drain went, just before the exit', async () => {
  await using app = start();
  const service = await app.waitForGeneration(0);
  const request = act(service, '/wait?ms=300');
  await app.waitForLine('request /wait');
  const client = new ControlClient(path).ask(STOP);
  // Open till the end: another one joins it.
  await client.heardEvent('phase');
  const other = new ControlClient(path).ask(STOP);
  for (const result of [await client.result(), await other.result()]) {
    expect(result).toMatchObject({
      ok: true,
      request: 'stop',
      drain: { reason: 'stop', requestsFinished: 1, cut: [] },
    });
  }
  expect(client.events).toContain('exit');
  expect((await request).pid).toBe(service.pid);
  expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
  expect(existsSync(path)).toBe(false);
});

test('stop names what was cut', async () => {
  await using app = start({ shutdownTimeoutMs: 500 });
  const service = await app.waitForGeneration(0);
  void act(service, '/never').catch(() => {});
  await app.waitForLine('request /never');
  expect(await askControl(path, STOP)).toMatchObject({
    drain: { cut: [{ kind: 'request', name: 'GET /never', ageMs: expect.any(Number) }] },
  });
  expect((await app.waitForExit()).code).toBe(1);
});

test('stop during an upgrade ends it, and both are told', async () => {
  await using app = start();
  await app.waitForGeneration(0);
  scratch.deploy('hang');
  const client = new ControlClient(path).ask(UPGRADE);
  await app.waitForLine('hanging');
  expect(await askControl(path, STOP)).toMatchObject({ ok: true });
  expect(await client.result()).toMatchObject({ ok: false, error: { code: 'ERR_BYE_UPGRADE_ABORTED' } });
  await app.waitForExit();
});

test('status tells what the process is and does', async () => {
  await using app = start();
  const { pid, port } = await app.waitForGeneration(0);
  void act({ port }, '/wait?ms=5000').catch(() => {});
  await app.waitForLine('request /wait');
  const client = new ControlClient(path).ask(STATUS);
  expect(await client.result()).toEqual({
    ok: true,
    request: 'status',
    status: {
      status: 'ready',
      generation: 0,
      pid,
      uptimeMs: expect.any(Number),
      inFlight: 1,
      connections: 1,
      tasks: 0,
      node: process.versions.node,
      bye: expect.stringMatching(/^\d+\.\d+\.\d+/),
      script: expect.stringMatching(/^\/.*lab\.mjs$/),
      listeners: [`unix:${path}`, 'tcp:*:0'],
    },
  });
  expect(client.answers).toHaveLength(1);
});

test('status with watch tells every change until its client closes, and no client holds anything up', async () => {
  await using app = start();
  const { pid, port } = await app.waitForGeneration(0);
  const watch = new ControlClient(path).ask({ request: 'status', watch: true });
  const other = new ControlClient(path).ask({ request: 'status', watch: true });
  await watch.heard((answer) => 'status' in answer && answer.status.inFlight === 0);
  const request = act({ port }, '/wait?ms=2000');
  await watch.heard((answer) => 'status' in answer && answer.status.inFlight === 1);
  await request;
  watch.socket.end();
  expect(await watch.result()).toMatchObject({ ok: true, request: 'status', status: { pid, status: 'ready' } });
  app.kill('SIGTERM');
  expect(await other.result()).toMatchObject({ ok: true, request: 'status', status: { status: 'draining' } });
  expect(other.events).toContain('stop');
  await app.waitForExit();
});
