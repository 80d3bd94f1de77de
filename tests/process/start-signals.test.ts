import { fileURLToPath } from 'node:url';
import { type App, childrenOf, startApp, until } from '@bye/testkit';
import { test as anyTest, describe, expect } from 'vitest';
import { findFreePort } from '../listeners.js';

const test = anyTest.skipIf(process.platform !== 'linux');
const file = (name: string) => fileURLToPath(new URL(`../fixtures/start/${name}`, import.meta.url));

/** Sends SIGUSR1 to one process every 5 ms, for as long as it runs. */
async function bombard(app: App, pid: number, { timeoutMs = 20_000 } = {}): Promise<void> {
  const timer = setInterval(() => app.kill('SIGUSR1', pid), 5);
  await app.waitUntilGone(pid, { timeoutMs }).finally(() => clearInterval(timer));
}

function pidIn(line: string): number {
  return Number(/pid=(\d+)/.exec(line)?.[1]);
}

async function expectNoInspector(app: App, generations: number): Promise<void> {
  const lines = app.log.lines.filter(({ text }) => text.startsWith('inspector '));
  expect(lines.map(({ text }) => text.replace(/pid=\d+ /, ''))).toEqual(
    Array(generations).fill('inspector url=undefined'),
  );
  expect(`${app.log}`).not.toContain('Debugger listening');
}

// What comes before any JavaScript kills, as the kernel does it; and what comes before bye is loaded Node answers itself.
describe.each(['app.cjs', 'app.mjs'])('SIGUSR1 every 5 ms to %s', (entry) => {
  test('from the first line on neither ends the process nor opens the inspector, and upgrades it', async () => {
    await using app = startApp(file(entry), { env: { BYE_LOG: 'silent' } });
    await app.waitForLine('started ');
    await bombard(app, app.pid);
    expect(await app.exited).toEqual({ code: 0, signal: null });
    await app.waitForGeneration(1);
    await expectNoInspector(app, 2);
  });

  test('from before the first line on does as little with `bye-core/register`', async () => {
    const script = ['--import', 'bye-core/register', '--import', file('mark.cjs'), file(entry)];
    await using app = startApp(script, { env: { BYE_LOG: 'silent' } });
    await app.waitForLine('marked ');
    await bombard(app, app.pid);
    expect(await app.exited).toEqual({ code: 0, signal: null });
    await app.waitForGeneration(1);
    await expectNoInspector(app, 2);
  });

  test('does as little to a new process that starts, before anything of the app', async () => {
    await using app = startApp(['--require', file('mark.cjs'), file(entry)], { env: { BYE_LOG: 'silent' } });
    const { pid: oldPid } = await app.waitForGeneration(0);
    const from = app.log.lines.length;
    app.kill('SIGUSR1');
    const pid = pidIn(await app.waitForLine('marked ', { from }));
    expect(childrenOf(oldPid).map((child) => child.pid)).toEqual([pid]);
    await bombard(app, pid);
    await app.waitForGeneration(2);
    await expectNoInspector(app, 3);
  });
});

test('an inspector that a signal opened before bye was loaded is closed, with a warning that says how to avoid it', async () => {
  const port = await findFreePort();
  await using app = startApp([`--inspect-port=${port}`, file('late.mjs')]);
  expect(await app.waitForLine('opened ')).toContain(`ws://127.0.0.1:${port}/`);
  expect(await app.waitForLine('then ')).toBe('then undefined');
  await app.waitForGeneration(0);
  const warnings = app.log.lines.filter(({ text }) => text.includes('inspector: closed again'));
  expect(warnings.map(({ text }) => text)).toEqual([expect.stringContaining('--import bye-core/register')]);
});

test('an inspector that was asked for stays open', async () => {
  const port = await findFreePort();
  await using app = startApp([`--inspect=127.0.0.1:${port}`, file('app.mjs')]);
  await app.waitForGeneration(0);
  expect(await app.waitForLine('inspector ')).toContain(`ws://127.0.0.1:${port}/`);
  // A second one on the same port would be a failure, and the next version has none.
  app.kill('SIGUSR1');
  await app.waitForGeneration(1);
  const [, second] = await until(() => {
    const lines = app.log.lines.filter(({ text }) => text.startsWith('inspector '));
    return lines.length > 1 && lines;
  });
  expect(second?.text).toContain('url=undefined');
});
