import { startTraffic, until } from '@bye/testkit';
import { describe, expect, it } from 'vitest';
import { printed } from './lab.js';
import { StateLab } from './state-lab.js';

const MIB = 1024 * 1024;
/** `BYE_SOAK=1`: what the service is promised to take, at its full size. */
const isSoak = process.env['BYE_SOAK'] === '1';
const STREAMED = (isSoak ? 1024 : 256) * MIB;
/** Garbage waits for its collection, on Node 24 longer than on others; what is not held back is as much as is streamed. */
const MOST_GROWTH_MIB = 128;
const [BYTES, UPGRADES] = isSoak ? [200_000_000, 20] : [32 * MIB, 3];

const slow = { upgradeTimeoutMs: 120_000 };

describe.skipIf(process.platform !== 'linux')('state', () => {
  it(`of ${STREAMED / MIB} MiB streams through in constant memory`, { timeout: 240_000 }, async () => {
    // A reader that is slow at first: what is not held back would pile up.
    await using lab = new StateLab({ streams: STREAMED, breaks: { 'load-middle': 1000 } }, slow);
    await lab.ready();
    const { rss: before } = await lab.told();
    await lab.upgrade(1);
    const rssOf = (line: string) => Number(/rss=(\d+)/.exec(line)?.[1]);
    const sender = rssOf(await lab.line(`streamed bytes=${STREAMED}`));
    const receiver = rssOf(await lab.line(`loaded bytes=${STREAMED + 8}`));
    if (isSoak) process.stdout.write(`RSS in MiB: idle ${before}, sender ${sender}, receiver ${receiver}\n`);
    expect(sender - before).toBeLessThan(MOST_GROWTH_MIB);
    expect(receiver - before).toBeLessThan(MOST_GROWTH_MIB);
  });

  it(`of ${BYTES} bytes is the same after ${UPGRADES} upgrades under load`, { timeout: 240_000 }, async () => {
    await using lab = new StateLab({ bytes: BYTES }, slow);
    await lab.ready();
    const { hash } = await lab.told();
    const { port } = lab.app.current();
    const traffic = startTraffic({ target: { port }, keepAliveClients: 4, freshClients: 2 });
    for (let generation = 1; generation <= UPGRADES; generation++) {
      const pid = await lab.upgrade(generation);
      await until(() => traffic.counts().byPid.has(pid), { what: `answers of generation ${generation}` });
    }
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect(counts.byPid.size).toBe(UPGRADES + 1);
    expect(await lab.told()).toMatchObject({ hash });
    expect(printed(lab.app)).not.toContain(' error: ');
  });
});
