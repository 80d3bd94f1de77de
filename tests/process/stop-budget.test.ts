import { type App, requests, StrictConnection } from '@bye/testkit';
import { describe, expect, it } from 'vitest';
import { act, type LabOptions, pass, printed, startLab } from './lab.js';

// A stop always ends, within shutdownTimeoutMs; the end of that belongs to the close hooks.

const LONG = { timeoutMs: 20_000 };
const CLEAN = { code: 0, signal: null };
const CUT = { code: 1, signal: null };
const SHORT = { shutdownTimeoutMs: 1600, closeReserveMs: 600, keepAliveGraceMs: 200 };

async function start(lab: LabOptions = {}) {
  const app = startLab(lab);
  return { app, service: await app.waitForGeneration(0, LONG) };
}

/** Stops the service. @returns how it ended, and the milliseconds it said that its drain took */
async function stop(app: App) {
  app.kill('SIGTERM');
  const exit = await app.waitForExit({ timeoutMs: 15_000 });
  const [, ms] = /drained in (\d+) ms/.exec(printed(app, 'stderr')) ?? [];
  return { exit, ms: Number(ms) };
}

/** Sends a request whose answer is not wanted, and sees that the service has begun with it. */
async function begin(app: App, port: number, path: string): Promise<{ said: Promise<unknown> }> {
  const said = act({ port }, path).catch((error: Error) => error);
  await app.waitForLine(`request ${path.replace(/\?.*/, '')}`);
  return { said };
}

describe('a stop ends in time and names what it cut, without the query:', () => {
  it.each([
    ['a request', '/never?token=secret', /request cut at the deadline after \d+ ms: GET \/never$/m],
    ['a task', '/spawn-never?token=secret', /task cut at the deadline after \d+ ms: for ever$/m],
  ])('%s that never ends', async (_name, path, says) => {
    const { app, service } = await start({ options: SHORT, hooks: { onClose: ['slow', 'slow'] } });
    await using _ = app;
    const { said } = await begin(app, service.port, path);
    const { exit, ms } = await stop(app);
    expect(exit).toEqual(CUT);
    expect(ms).toBeGreaterThan(950);
    // Its budget, and what a loaded machine adds; without the cut it would not end at all.
    expect(ms).toBeLessThan(1600 + 1500);
    expect(printed(app, 'stderr')).toMatch(says);
    expect(printed(app)).not.toContain('secret');
    expect(printed(app)).toContain('end of hook onClose 1');
    await said;
  });

  it('deadlineSignal aborts at the cut, before the close hooks', async () => {
    const { app, service } = await start({ options: SHORT, hooks: { onClose: ['tell'] } });
    await using _ = app;
    const { said } = await begin(app, service.port, '/wait-for-deadline');
    expect((await stop(app)).exit).toEqual(CUT);
    const order = ['deadlineSignal aborted', 'hook onClose 0'];
    expect(orderOf(app, order)).toEqual(order);
    await said;
  });
});

describe('a hook', () => {
  it('that never ends holds a stop no longer than its budget, and leaves the others their share', async () => {
    const { app } = await start({ options: SHORT, hooks: { onShutdown: 'hang', onClose: ['tell', 'hang'] } });
    await using _ = app;
    const { exit, ms } = await stop(app);
    expect(exit).toEqual(CLEAN);
    expect(ms).toBeLessThan(1600 + 1500);
    expect(printed(app, 'stderr')).toMatch(/onShutdown\(\) did not end in its time/);
    expect(printed(app, 'stderr')).toMatch(/onClose\(\) did not end in its time/);
    expect(printed(app)).toContain('end of hook onClose 0');
  });

  it('of onShutdown() that never ends leaves requests the time to be answered', async () => {
    const { app, service } = await start({
      options: { shutdownTimeoutMs: 6000, closeReserveMs: 1000 },
      hooks: { onShutdown: 'hang' },
    });
    await using _ = app;
    await begin(app, service.port, '/wait?ms=800');
    app.kill('SIGTERM');
    // Somebody who comes again and again, until nobody listens any more.
    const failure = await repeat(() => act(service, '/wait?ms=800'));
    expect(failure).toMatchObject({ failure: 'refused' });
    expect(await app.waitForExit()).toEqual(CLEAN);
  });

  it('that throws stops nothing else', async () => {
    const { app, service } = await start({ hooks: { onShutdown: 'throw', onClose: ['tell', 'throw', 'tell'] } });
    await using _ = app;
    const { said } = await begin(app, service.port, '/wait?ms=300');
    expect((await stop(app)).exit).toEqual(CLEAN);
    expect(await said).toMatchObject({ outcome: 'waited' });
    expect(printed(app, 'stderr')).toMatch(/onShutdown throws/);
    expect(printed(app, 'stderr')).toMatch(/onClose 1 throws/);
    expect(printed(app)).toContain('end of hook onClose 0');
  });
});

it('a stop waits for idle, silent and half-spoken connections no longer than keepAliveGraceMs', async () => {
  const { app, service } = await start({ options: { keepAliveGraceMs: 300, shutdownTimeoutMs: 60_000 } });
  await using _ = app;
  const [idle, silent, half] = await Promise.all([1, 2, 3].map(() => StrictConnection.open(service)));
  await idle!.request(requests.fast(1));
  const pending = half!.begin(requests.fast(2));
  pending.answer.catch(() => {});
  pending.write(10);
  await act(service, '/can');
  const { exit, ms } = await stop(app);
  expect(exit).toEqual(CLEAN);
  expect(ms).toBeGreaterThanOrEqual(300);
  expect(ms).toBeLessThan(300 + 5000);
  expect(await idle!.closed).toMatchObject({ by: 'server', reset: false });
  expect(await silent!.closed).toMatchObject({ by: 'server', reset: false });
  await half!.closed;
});

it('a stop answers what half a head becomes within the grace', async () => {
  const { app, service } = await start({ options: { keepAliveGraceMs: 10_000 } });
  await using _ = app;
  const half = await StrictConnection.open(service);
  const pending = half.begin(requests.fast(2));
  pending.write(10);
  await act(service, '/can');
  app.kill('SIGTERM');
  await app.waitForLine('draining: requests');
  await pass(500);
  pending.write();
  expect((await pending.answer).saidClose).toBe(true);
  expect(await app.waitForExit()).toEqual(CLEAN);
});

it('a stop goes in order: onShutdown, delay, requests, tasks, onClose the last first, exit', async () => {
  const { app, service } = await start({
    options: { shutdownDelayMs: 800, keepAliveGraceMs: 0 },
    hooks: { onShutdown: 'slow', onClose: ['slow', 'slow'] },
  });
  await using _ = app;
  const { said } = await begin(app, service.port, '/wait?ms=2000');
  await act(service, '/spawn?ms=3500');
  expect((await stop(app)).exit).toEqual(CLEAN);
  expect(await said).toMatchObject({ outcome: 'waited' });
  const order = [
    'stopping on SIGTERM',
    'draining: delay',
    'end of hook onShutdown',
    'draining: requests',
    'answer /wait',
    'draining: tasks',
    'task ended',
    'draining: hooks',
    'end of hook onClose 1',
    'end of hook onClose 0',
    'exit 0',
  ];
  expect(orderOf(app, order)).toEqual(order);
  // Nothing was cut, so nothing was told to give up: a close hook may still use the signal.
  expect(printed(app)).not.toContain('deadlineSignal aborted');
});

it('shutdownDelayMs: new connections are served meanwhile, told to close, and /readyz is 503', async () => {
  const { app, service } = await start({ options: { shutdownDelayMs: 4000, shutdownTimeoutMs: 60_000 } });
  await using _ = app;
  app.kill('SIGTERM');
  await app.waitForLine('draining: delay');
  const ask = async (path: string, expectStatus: number) => {
    const connection = await StrictConnection.open(service);
    return (await connection.request({ path, expectStatus })).saidClose;
  };
  expect(await ask('/fast?n=1', 200)).toBe(true);
  expect(await ask('/readyz', 503)).toBe(true);
  expect(await ask('/livez', 200)).toBe(true);
  expect(printed(app)).not.toContain('draining: requests');
  expect(await app.waitForExit({ timeoutMs: 15_000 })).toEqual(CLEAN);
});

it('server.close() drains the server and never exits', async () => {
  const { app, service } = await start({ options: { keepAliveGraceMs: 0 } });
  await using _ = app;
  const { said } = await begin(app, service.port, '/wait?ms=500');
  expect((await act(service, '/close')).pid).toBe(service.pid);
  expect(await said).toMatchObject({ outcome: 'waited' });
  await app.waitForLine('server closed');
  await expect(StrictConnection.open(service)).rejects.toMatchObject({ failure: 'refused' });
  expect(app.isRunning(service.pid)).toBe(true);
  expect(printed(app)).not.toContain('stopping');
  expect((await stop(app)).exit).toEqual(CLEAN);
});

/** These texts in the order in which they were printed. */
function orderOf(app: App, texts: readonly string[]): string[] {
  const at = (text: string) => app.log.lines.findIndex((line) => line.text.includes(text));
  return texts.filter((text) => at(text) >= 0).sort((one, other) => at(one) - at(other));
}

/** @returns what it ended with */
async function repeat(action: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    try {
      await action();
    } catch (error) {
      return error;
    }
  }
}
