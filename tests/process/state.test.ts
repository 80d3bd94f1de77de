import { openDescriptors, StrictConnection, startTraffic, until } from '@bye/testkit';
import { describe, expect, it } from 'vitest';
import { printed } from './lab.js';
import { StateLab } from './state-lab.js';

const BOTH = { has: ['save', 'load', 'finish', 'merge'] };

function expectInOrder(text: string, parts: readonly string[]): void {
  for (let at = 0, from = 0; at < parts.length; at++) {
    const found = text.indexOf(parts[at] as string, from);
    expect(found, `${parts[at]} after ${parts[at - 1]} in\n${text}`).toBeGreaterThanOrEqual(0);
    from = found;
  }
}

describe.skipIf(process.platform !== 'linux')('state', () => {
  it('is loaded before the new process is ready, and merged when the old one has done its work', async () => {
    await using lab = new StateLab(BOTH);
    const old = await lab.ready();
    const { hash } = await lab.told();
    const pid = await lab.upgrade(1);
    expect(await lab.told()).toMatchObject({ pid, hash });
    expectInOrder(printed(lab.app, 'stdout'), [
      `addState false pid=${old}`,
      'loaded bytes=1008',
      `addState true pid=${pid}`,
      `ready pid=${pid}`,
      'merged',
      'closing count=',
    ]);
    expectInOrder(printed(lab.app, 'stderr'), [
      "state 'app' taken over (load): 1008 bytes",
      'draining: tasks',
      "state 'app' taken over (merge)",
      'draining: hooks',
    ]);
  });

  it('of both stages counts every request that was answered, over 10 upgrades', { timeout: 120_000 }, async () => {
    await using lab = new StateLab(BOTH);
    await lab.ready();
    const mix = () => ({ path: `/count?ms=${Math.random() < 0.1 ? 300 : 1}` });
    const { port } = lab.app.current();
    const traffic = startTraffic({ target: { port }, keepAliveClients: 8, freshClients: 4, mix });
    for (let generation = 1; generation <= 10; generation++) {
      const { ok } = traffic.counts();
      await until(() => traffic.counts().ok > ok + 20, { what: 'requests are answered', timeoutMs: 20_000 });
      await lab.upgrade(generation);
    }
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect((await lab.told()).count).toBe(counts.ok);
  });

  it('of the second stage comes over when requests were cut, with what was answered', async () => {
    await using lab = new StateLab(BOTH, { upgradeDrainTimeoutMs: 500, closeReserveMs: 2000 });
    const old = await lab.ready();
    const { port } = lab.app.current();
    const connection = await StrictConnection.open({ port });
    const cut = connection.request({ path: '/count?ms=60000' }).catch(() => 'cut');
    await lab.line('counting');
    await lab.upgrade(1);
    expect(await cut).toBe('cut');
    expect((await lab.app.exited).code).toBe(1);
    await lab.line("state 'app' taken over (merge)");
    expect(old).not.toBe(lab.app.current().pid);
  });

  it('of the second stage comes over when the next upgrade forces the old process to finish', async () => {
    await using lab = new StateLab(BOTH);
    await lab.ready();
    const { port } = lab.app.current();
    const [hanging, other] = await Promise.all([StrictConnection.open({ port }), StrictConnection.open({ port })]);
    const cut = hanging.request({ path: '/count?ms=60000' }).catch(() => 'cut');
    await lab.line('counting');
    await other.request({ path: '/count?ms=0' });
    other.destroy();
    lab.app.kill('SIGUSR1');
    await lab.ready(1);
    const forcing = await StrictConnection.open({ port });
    const { body } = await forcing.request({ path: '/force', keepBody: true, close: true });
    expect(body.toString()).toBe('upgraded');
    expect(await cut).toBe('cut');
    await lab.ready(2);
    expect((await lab.told()).count).toBe(1);
  });

  it('leaves no descriptor behind, and none to a child', async () => {
    const children = { ...BOTH, breaks: { start: 'child', load: 'child' } };
    await using lab = new StateLab(children);
    const descriptors = (line: string) => line.replace(/ pid=.*/, '');
    await lab.ready();
    const own = descriptors(await lab.line('child has'));
    const first = openDescriptors(await lab.upgrade(1)).byKind;
    for (const place of ['start', 'load']) {
      const from = lab.app.log.lines.findLastIndex(({ text }) => text.startsWith(`at ${place} `));
      expect(descriptors(await lab.line('child has', from))).toBe(own);
    }
    lab.deploy(BOTH);
    let pid = 0;
    for (let generation = 2; generation <= 6; generation++) pid = await lab.upgrade(generation);
    await until(() => JSON.stringify(openDescriptors(pid).byKind) === JSON.stringify(first)).catch(() =>
      expect(openDescriptors(pid).byKind).toEqual(first),
    );
    // Whether there is something to merge or not, and whether it was asked for.
    for (const [index, has] of [['save', 'load'], [], ['save', 'finish']].entries()) {
      lab.deploy({ has });
      pid = await lab.upgrade(7 + index);
      await until(() => openDescriptors(pid).total <= Object.values(first).reduce((sum, each) => sum + each));
    }
  });
});
