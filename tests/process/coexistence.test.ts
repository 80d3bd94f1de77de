import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type App, startApp } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, describe, expect } from 'vitest';
import { stop, upgrade } from '../listeners.js';
import { copyCore, Releases } from '../releases.js';

const test = anyTest.skipIf(process.platform !== 'linux');
const require = createRequire(import.meta.url);
const file = (name: string) => fileURLToPath(new URL(`../fixtures/coexistence/${name}`, import.meta.url));
const PLAIN = fileURLToPath(new URL('../fixtures/start/app.mjs', import.meta.url));

async function facts(app: App, heading: string): Promise<Record<string, unknown>> {
  return JSON.parse((await app.waitForLine(`${heading} `)).slice(heading.length));
}

describe('two copies of bye-core', () => {
  let dir: string;
  let program: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(join(tmpdir(), 'bye-copies-')));
    program = join(dir, 'app.mjs');
    copyFileSync(file('two-copies.mjs'), program);
    mkdirSync(join(dir, 'node_modules'));
    for (const name of ['express-bye', 'express']) {
      symlinkSync(dirname(require.resolve(`${name}/package.json`)), join(dir, 'node_modules', name));
    }
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test('share one instance, with one handler for each signal, across upgrades', async () => {
    copyCore(dir);
    await using app = startApp(program);
    await app.waitForGeneration(0);
    for (let generation = 0; ; generation++) {
      expect(await facts(app, 'facts')).toEqual({
        isCopied: true,
        isSame: true,
        listeners: { SIGTERM: 1, SIGINT: 1, SIGUSR1: 1, SIGUSR2: 0 },
      });
      if (generation === 2) break;
      app.log.lines.splice(0, app.log.lines.length);
      await upgradeLogged(app, generation);
    }
    await stop(app);
  });

  test('of different majors are refused with ERR_BYE_DUPLICATE, which names both places', async () => {
    copyCore(dir, (code) => code.replace('var MAJOR = 1;', 'var MAJOR = 2;'));
    await using app = startApp(program);
    const own = join(dir, 'node_modules/bye-core');
    const { code, message, data } = await facts(app, 'failed');
    expect(code).toBe('ERR_BYE_DUPLICATE');
    const shared = dirname(realpathSync(require.resolve('bye-core/package.json')));
    expect(data).toEqual({ paths: [expect.stringContaining(own), expect.stringContaining(shared)] });
    expect(message).toContain(own);
    expect(message).toContain(shared);
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
  });

  test('that want different options get ERR_BYE_OPTIONS_CONFLICT, which names them', async () => {
    copyCore(dir);
    const FIRST = JSON.stringify({ upgradeTimeoutMs: 1000, shutdownTimeoutMs: 2000, pidFile: join(dir, 'pid') });
    const SECOND = JSON.stringify({ upgradeTimeoutMs: 1000, shutdownTimeoutMs: 3000, stopSignals: ['SIGTERM'] });
    await using app = startApp(program, { env: { FIRST, SECOND } });
    expect(await facts(app, 'failed')).toMatchObject({
      code: 'ERR_BYE_OPTIONS_CONFLICT',
      message: expect.stringContaining('shutdownTimeoutMs, stopSignals'),
      data: { options: ['shutdownTimeoutMs', 'stopSignals'] },
    });
    app.kill('SIGTERM');
    await app.waitForExit();
  });

  test('and `bye-core/register` take the options of the first call after it', async () => {
    copyCore(dir);
    const FIRST = JSON.stringify({ upgradeSignals: ['SIGUSR2'] });
    await using app = startApp(['--import', 'bye-core/register', program], { env: { FIRST } });
    expect(await facts(app, 'facts')).toEqual({
      isCopied: true,
      isSame: true,
      listeners: { SIGTERM: 1, SIGINT: 1, SIGUSR1: 0, SIGUSR2: 1 },
    });
    await app.waitForGeneration(0);
    app.kill('SIGUSR2');
    await app.waitForGeneration(1);
    await stop(app);
  });
});

async function upgradeLogged(app: App, generation: number): Promise<void> {
  const { pid } = app.current();
  app.kill('SIGUSR1');
  await app.waitForGeneration(generation + 1, { timeoutMs: 20_000 });
  await app.waitUntilGone(pid, { timeoutMs: 20_000 });
}

test('an app that talks to its parent, forks and starts threads sees nothing of five upgrades', async () => {
  await using app = startApp(file('parent-idioms.mjs'));
  await app.waitForGeneration(0);
  for (let generation = 0; ; generation++) {
    const { pid, port } = app.current();
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    const child = { question: 'question', execArgv: [], hasBye: false };
    expect(await answer.json()).toEqual({
      pid,
      hasSend: false,
      isConnected: false,
      forked: child,
      threaded: child,
    });
    if (generation === 5) break;
    await upgrade(app);
  }
  await stop(app);
});

test('importing bye-core changes nothing in the process', async () => {
  await using app = startApp(file('import-only.mjs'), { env: { UPGRADE_FD: 'left alone', LISTEN_FDS: 'left alone' } });
  expect(await app.waitForLine('changed ')).toBe('changed []');
  expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
});

describe('a parent that is not bye', () => {
  const PARENT = file('foreign-parent.mjs');

  test('gets the readiness byte on the descriptor that UPGRADE_FD names', async () => {
    await using app = startApp([PARENT, PLAIN]);
    const { pid } = await app.waitForGeneration(0);
    expect(await app.waitForLine('said ')).toBe('said [1]');
    app.kill('SIGTERM', pid);
    expect(await app.waitForExit()).toEqual({ code: 0, signal: null });
  });

  test.each([
    [{ UPGRADE_FD: 'six' }, /UPGRADE_FD.*"six"/, 'ERR_BYE_ENVIRONMENT'],
    [{ UPGRADE_FD: '99' }, /descriptor 99/, 'ERR_BYE_READY_PIPE'],
    [{ BYE_LISTENERS: '[{"fd":"5"}]', BYE_PROTOCOL: '1' }, /BYE_LISTENERS/, 'ERR_BYE_ENVIRONMENT'],
    [{ BYE_PROTOCOL: 'x' }, /protocol x and this one 1/, 'ERR_BYE_PROTOCOL'],
    [{ BYE_PROTOCOL: '1', BYE_GENERATION: 'many' }, /BYE_GENERATION.*"many"/, 'ERR_BYE_ENVIRONMENT'],
    [{ BYE_PROTOCOL: '1', BYE_FIRST_ENVIRONMENT: '[]' }, /BYE_FIRST_ENVIRONMENT/, 'ERR_BYE_ENVIRONMENT'],
  ])('that sets %j gets an error that names it', async (variables, message, code) => {
    await using app = startApp([PARENT, PLAIN], { env: { HANDOVER: JSON.stringify(variables) } });
    expect(await app.waitForExit()).toMatchObject({ code: 1 });
    expect(`${app.log}`).toMatch(message);
    expect(`${app.log}`).toContain(code);
    expect(`${app.log}`).toContain('said []');
  });
});

test.each([
  ['new', '42'],
  ['old', '41'],
])(
  'where the %s version speaks another protocol an upgrade fails harmlessly with ERR_BYE_PROTOCOL',
  async (_, other) => {
    using releases = new Releases();
    const copied = (name: string) =>
      name === other &&
      copyCore(releases.path('releases', name), (code) =>
        code.replace('PROTOCOL_VERSION = 1;', 'PROTOCOL_VERSION = 2;'),
      );
    releases.deploy('41');
    copied('41');
    await using app = startApp(releases.path('current/app.mjs'));
    const { pid, port } = await app.waitForGeneration(0);
    releases.deploy('42');
    copied('42');
    app.kill('SIGUSR1');
    expect(await app.waitForLine('upgrade failed, this process serves on')).toContain('ERR_BYE_PROTOCOL');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toMatchObject({ pid, release: '41' });
  },
);
