/** The demo: a server is replaced five times and then stopped, while clients use it that forgive nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startApp, startTraffic, type Traffic, until } from '@bye/testkit';
import { nameOf, showProgress } from './progress.js';
import { createReport, isGood, type Result, type UpgradeResult } from './report.js';
import { createScreen } from './screen.js';

const SERVER = fileURLToPath(new URL('../server/app.mjs', import.meta.url));
const UPGRADES = 5;
const CRASHING_UPGRADE = 3;
const BETWEEN_MS = 4000;

const screen = createScreen();
const directory = mkdtempSync(join(tmpdir(), 'bye-demo-'));
const crashFile = join(directory, 'crash');
// With every default, as an application has it.
const app = startApp(SERVER, { env: { CRASH_FILE: crashFile, BYE_MIN_READY_MS: undefined } });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void breakOff());

try {
  const result = await run();
  screen.finish(createReport(result, screen.paint));
  await leave(isGood(result) ? 0 : 1);
} catch (error) {
  console.error(error);
  await leave(1);
}

async function run(): Promise<Result> {
  const { pid: firstPid, port, startMs } = await waitForStart();
  screen.say(`${screen.paint.bold(nameOf(app, firstPid))} serves on port ${port}, ready after ${startMs} ms`);
  const traffic = startTraffic({
    target: { port },
    keepAliveClients: 24,
    freshClients: 8,
    mix: { slowMs: 500 },
    thinkMs: 10,
  });
  screen.say('24 clients keep their connections, 8 open one per request: GET, POST, slow handlers, large answers');
  const endProgress = showProgress(screen, traffic, app);
  const complaints: string[] = [];
  const upgrades: UpgradeResult[] = [];
  try {
    for (let number = 1; number <= UPGRADES; number++) {
      await delay(BETWEEN_MS); // lets people see the process serve
      upgrades.push(await upgrade(number === CRASHING_UPGRADE, complaints));
    }
    await delay(BETWEEN_MS);
    await stop(traffic, complaints);
  } finally {
    endProgress();
  }
  const counts = await traffic.stop();
  for (const { pid, commandLine } of app.strays()) complaints.push(`process ${pid} is left: ${commandLine}`);
  return { counts, firstPid, startMs, upgrades, complaints };
}

async function waitForStart(): Promise<{ pid: number; port: number; startMs: number }> {
  const startedAt = performance.now();
  const died = app.exited.then(() => Promise.reject(new Error(`The server did not start:\n${app.log}`)));
  const generation = await Promise.race([app.waitForGeneration(0), died]);
  died.catch(() => {});
  return { ...generation, startMs: Math.round(performance.now() - startedAt) };
}

/** Asks for one upgrade, and waits until it has succeeded and the old process is gone, or has failed. */
async function upgrade(crashes: boolean, complaints: string[]): Promise<UpgradeResult> {
  const old = app.current();
  const from = app.log.lines.length;
  const startedAt = performance.now();
  if (crashes) writeFileSync(crashFile, '');
  screen.say(`SIGUSR1 to ${nameOf(app, old.pid)}${crashes ? ', whose next version crashes while it starts' : ''}`);
  app.kill('SIGUSR1');
  const line = await app.waitForLine(/^(ready|upgrade-failed|upgrade-refused) /, { from, timeoutMs: 20_000 });
  const durationMs = performance.now() - startedAt;
  rmSync(crashFile, { force: true });

  if (!line.startsWith('ready')) {
    const failure = line.replace(/^\S+ /, '');
    if (!crashes) complaints.push(`an upgrade failed: ${failure}`);
    screen.say(`The upgrade failed, ${nameOf(app, old.pid)} serves on: ${failure}`);
    return { durationMs };
  }
  const { pid } = app.current();
  if (crashes) complaints.push('a version that crashes became ready');
  screen.say(`${screen.paint.bold(nameOf(app, pid))} is ready after ${Math.round(durationMs)} ms`);
  await app.waitUntilGone(old.pid, { timeoutMs: 20_000 });
  screen.say(
    `pid ${old.pid} answered what it still had and ended, ${Math.round(performance.now() - startedAt)} ms after the signal`,
  );
  await checkExit(old.pid, complaints);
  return { pid, durationMs };
}

/** Stops the last process while the connections that are there go on. */
async function stop(traffic: Traffic, complaints: string[]): Promise<void> {
  const { pid } = app.current();
  await traffic.stopConnecting();
  screen.say(`SIGTERM to ${nameOf(app, pid)}; clients go on with the connections they have and open no new ones`);
  const startedAt = performance.now();
  app.kill('SIGTERM');
  await app.waitUntilGone(pid, { timeoutMs: 30_000 });
  await traffic.finished;
  screen.say(`pid ${pid} answered everything and ended after ${Math.round(performance.now() - startedAt)} ms`);
  await checkExit(pid, complaints);
  await until(() => app.strays().length === 0, { timeoutMs: 2000, what: 'nothing is left' }).catch(() => {});
}

async function checkExit(pid: number, complaints: string[]): Promise<void> {
  // A process can be gone before its last line was read.
  const line = await app
    .waitForLine(new RegExp(`^exit pid=${pid} `), { timeoutMs: 5000 })
    .catch(() => 'it did not say');
  if (!line.endsWith(' code=0')) complaints.push(`process ${pid} did not end with code 0: ${line}`);
}

async function breakOff(): Promise<void> {
  screen.finish('Broken off.');
  await leave(130);
}

async function leave(code: number): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  await app.dispose().catch((error: unknown) => console.error(error));
  process.exit(code);
}
