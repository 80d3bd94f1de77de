// Who else answers the signals of a process is named, never removed. Trap T20: docs/internals/traps.md.
import { type App, requests, StrictConnection } from '@bye/testkit';
import { expect, test } from 'vitest';
import { PATIENT, startFastifyCli, startWay } from './frameworks.js';

const WARNING = 'bye is not the only one to answer its signals';

const startWith = (OTHERS: string) => startWay({ name: OTHERS, program: 'other-listeners.mjs', env: { OTHERS } });

const warnings = (app: App) => app.log.lines.filter(({ text }) => text.includes(WARNING)).map(({ text }) => text);

/** Sends a request that takes a while, and waits until the process has it. */
async function ask(app: App, port: number, ms: number, expectStatus = 200) {
  const connection = await StrictConnection.open({ port });
  const answer = connection.request({ path: `/slow?ms=${ms}&n=1`, expectStatus });
  const outcome = answer.then(
    ({ status }) => status,
    () => 'failed',
  );
  await app.waitForLine('asked');
  return { outcome };
}

test('an application without any hears no warning, in an upgrade neither', async () => {
  await using app = startWith('');
  await app.waitForGeneration(0, PATIENT);
  app.kill('SIGUSR1');
  const { pid } = await app.waitForGeneration(1, PATIENT);
  app.kill('SIGTERM');
  await app.waitForLine(new RegExp(`bye\\[${pid}\\].*exit 0`));
  expect(warnings(app)).toEqual([]);
});

test('one that listens to them hears one warning of all, and its listeners are called (T20)', async () => {
  const OTHERS = `
    process.on('SIGTERM', function flushLogs() { console.log('flushed'); });
    process.once('SIGUSR2', function rotate() {});
    process.on('SIGWINCH', function resize() {});`;
  await using app = startWith(OTHERS);
  await app.waitForGeneration(0, PATIENT);
  await app.waitForLine(WARNING);
  app.kill('SIGTERM');
  await app.waitForLine('flushed');
  expect(await app.waitForExit(PATIENT)).toEqual({ code: 0, signal: null });
  expect(warnings(app)).toEqual([
    expect.stringMatching(/warn: .* SIGTERM: the function "flushLogs": .* SIGUSR2: the function "rotate": /),
  ]);
  expect(warnings(app)[0]).not.toContain('resize');
});

test('one that came after the process was ready is named at the stop', async () => {
  await using app = startWith(`process.on('SIGWINCH', () => {
    process.on('SIGTERM', function late() {});
    console.log('is there');
  });`);
  await app.waitForGeneration(0, PATIENT);
  app.kill('SIGWINCH');
  await app.waitForLine('is there');
  expect(warnings(app)).toEqual([]);
  app.kill('SIGTERM');
  expect(await app.waitForLine(WARNING)).toContain('"late"');
  expect(await app.waitForExit(PATIENT)).toEqual({ code: 0, signal: null });
});

test('fastify-cli is named, and ends a request after its 500 ms unless its delay is longer', async () => {
  await using app = startFastifyCli([]);
  const { port } = await app.waitForGeneration(0, PATIENT);
  const warning = await app.waitForLine(WARNING);
  expect(warning).toContain('SIGTERM, SIGINT, SIGQUIT: close-with-grace');
  expect(warning).toContain('--close-grace-delay=30000');
  const { outcome } = await ask(app, port, 5000);
  app.kill('SIGTERM');
  expect(await app.waitForExit(PATIENT)).toEqual({ code: 1, signal: null });
  expect(`${app.log}`).toContain('killed by timeout (500ms)');
  expect(await outcome).toBe('failed');
});

test('fastify-cli with a longer delay keeps shutdownDelayMs, though it closes the application itself', async () => {
  await using app = startFastifyCli(['--close-grace-delay=30000'], { BYE_SHUTDOWN_DELAY_MS: '2000' });
  const { port } = await app.waitForGeneration(0, PATIENT);
  const { outcome } = await ask(app, port, 2500);
  app.kill('SIGTERM');
  await app.waitForLine('stopping on SIGTERM');
  const late = await StrictConnection.open({ port });
  expect(await late.request(requests.fast(2))).toMatchObject({ status: 200, saidClose: true });
  expect(await outcome).toBe(200);
  expect(await app.waitForExit(PATIENT)).toEqual({ code: 0, signal: null });
});

test("NestJS's shutdown hooks are named, and run while a request is in progress", async () => {
  await using app = startWay({ name: '', program: 'nest.mjs', env: { WAY: 'express', HOOKS: '1' } });
  const { port } = await app.waitForGeneration(0, PATIENT);
  expect(await app.waitForLine(WARNING)).toContain('SIGTERM, SIGINT, SIGQUIT: NestJS');
  const { outcome } = await ask(app, port, 500, 500);
  app.kill('SIGTERM');
  await app.waitForLine('destroyed');
  expect(await outcome).toBe(500);
  expect(await app.waitForExit(PATIENT)).toEqual({ code: 0, signal: null });
});
