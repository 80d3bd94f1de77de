import { openDescriptors, until } from '@bye/testkit';
import { describe, expect, it } from 'vitest';
import { printed } from './lab.js';
import { type Plan, pidOf, StateLab } from './state-lab.js';

/** How often each crash is tried. */
const TIMES = Number(process.env['BYE_CRASHES'] ?? 1);
const BYTES = 4 * 1024 * 1024;

/** What is going on when one of the two is killed, and the place of the fixture where it holds. */
const BEFORE = {
  'nothing is asked for': 'start',
  'nothing is written': 'save',
  'half of the bytes are written': 'save-middle',
  'all bytes are written, but not their end': 'save-end',
  'nothing is read': 'load',
  'some bytes are read': 'load-middle',
  'all bytes are read': 'load-end',
  'the state is loaded': 'loaded',
};
const AFTER = {
  'finish has not written': 'finish',
  'finish has not ended': 'finish-middle',
  'merge has not read': 'merge',
  'merge has not ended': 'merge-end',
};

const several = (places: Record<string, string>) =>
  Object.entries(places).flatMap(([title, place]) =>
    Array.from({ length: TIMES }, (_, index) => [TIMES > 1 ? `${title} #${index + 1}` : title, place] as const),
  );

const holdsOld = (place: string) => place.startsWith('save') || place.startsWith('finish');

/** Two versions of which one holds at the place. */
function createLab(place: string): { lab: StateLab; next: Plan } {
  const holding = { bytes: BYTES, breaks: { [place]: 'hold' }, manual: true };
  const good = { bytes: BYTES, manual: true };
  const [first, next] = holdsOld(place) ? [holding, good] : [good, holding];
  return { lab: new StateLab(first), next };
}

/** Upgrades until both are where one of them holds. @returns the PID of the new process */
async function upgradeUpTo(lab: StateLab, place: string, next: Plan): Promise<number> {
  const { mark } = lab;
  lab.deploy(next);
  lab.app.kill('SIGUSR1');
  const pid = pidOf((await lab.line('upgrade to generation', mark)).replace(', pid ', ' pid='));
  await lab.line(`at ${place} `, mark);
  return pid;
}

async function nothingLeft(lab: StateLab, pid: number, descriptors: number): Promise<void> {
  await until(() => lab.app.strays().length === 1);
  expect(lab.app.strays().map((process) => process.pid)).toEqual([pid]);
  await until(() => openDescriptors(pid).total <= descriptors).catch(() =>
    expect(openDescriptors(pid).byTarget).toEqual(descriptors),
  );
}

describe.skipIf(process.platform !== 'linux')('the new process is killed when', () => {
  it.each(several(BEFORE))('%s: the old one serves on with what it had', async (_title, place) => {
    const { lab, next } = createLab(place);
    await using _ = lab;
    const old = await lab.ready();
    const { hash } = await lab.told();
    // What Node opens for the first child it ever starts stays open.
    lab.deploy({ breaks: { start: 'throw' } });
    lab.app.kill('SIGUSR1');
    await lab.line('upgrade failed');
    const { total } = openDescriptors(old);
    const from = lab.mark;

    const pid = await upgradeUpTo(lab, place, next);
    lab.app.kill('SIGKILL', pid);
    expect(await lab.line('upgrade failed', from)).toContain(`${pid} was ended by SIGKILL before it was ready`);
    if (holdsOld(place)) {
      await lab.line(`save aborted ERR_BYE_STATE_LOST pid=${old}`, from);
      await lab.line(`save stream ERR_BYE_STATE_LOST pid=${old}`, from);
    }
    const told = printed(lab.app).includes('rollback ERR_BYE_UPGRADE_EXITED');
    expect(told).toBe(place !== 'start');
    expect(await lab.told()).toMatchObject({ pid: old, hash });
    await nothingLeft(lab, old, total);

    lab.deploy({ manual: true });
    lab.release();
    const replaced = await lab.upgrade(1);
    expect(await lab.told()).toMatchObject({ pid: replaced, hash });
  });

  it.each(several(AFTER))('%s: the old one tells that its work is lost, and exits', async (_title, place) => {
    const { lab, next } = createLab(place);
    await using _ = lab;
    const old = await lab.ready();
    const pid = await upgradeUpTo(lab, place, next);
    lab.app.kill('SIGKILL', pid);
    await lab.line("state 'app' lost (finish)");
    await lab.line(`closing count=`);
    await lab.app.waitUntilGone(old);
    expect((await lab.app.exited).code).toBe(0);
    expect(lab.app.strays()).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('the old process is killed when', () => {
  it.each(several(BEFORE))('%s: the new one serves, with or without what it had', async (_title, place) => {
    const { lab, next } = createLab(place);
    await using _ = lab;
    const old = await lab.ready();
    const { hash } = await lab.told();
    const pid = await upgradeUpTo(lab, place, next);
    lab.app.kill('SIGKILL', old);
    await lab.app.waitUntilGone(old);
    // Only what can't go on by itself: a load that ends its stream early is not waited for.
    if (!place.startsWith('load-middle')) lab.release();
    expect(await lab.ready(1)).toBe(pid);
    const isWhole = !holdsOld(place) && printed(lab.app).includes('loaded bytes');
    if (place.startsWith('loa')) expect(isWhole).toBe(['load-end', 'loaded'].includes(place));
    await lab.line(`addState ${isWhole} pid=${pid}`);
    if (!isWhole) await lab.line("state 'app' lost (load)");
    const { hash: now } = await lab.told();
    if (isWhole) expect(now).toBe(hash);
    await servesOn(lab, pid, now);
  });

  it.each(several(AFTER))('%s: the new one serves on', async (_title, place) => {
    const { lab, next } = createLab(place);
    await using _ = lab;
    const old = await lab.ready();
    const { hash } = await lab.told();
    const pid = await upgradeUpTo(lab, place, next);
    await lab.ready(1);
    lab.app.kill('SIGKILL', old);
    await lab.app.waitUntilGone(old);
    lab.release();
    const lost = holdsOld(place);
    await lab.line(lost ? "state 'app' lost (merge)" : "state 'app' taken over (merge)");
    if (place === 'finish-middle') await lab.line(`merge aborted ERR_BYE_STATE_LOST pid=${pid}`);
    await servesOn(lab, pid, hash);
  });
});

/** With nothing of what happened left, and ready for the next upgrade. */
async function servesOn(lab: StateLab, pid: number, hash: string): Promise<void> {
  expect(await lab.told()).toMatchObject({ pid, hash });
  await until(() => openDescriptors(pid).total <= 30);
  expect(lab.app.strays().map((process) => process.pid)).toEqual([pid]);
  lab.deploy({ manual: true });
  const next = await lab.upgrade(2);
  expect(await lab.told()).toMatchObject({ pid: next, hash });
}
