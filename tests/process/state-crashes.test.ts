import { openDescriptors, until } from '@bye/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pidOf, StateLab } from './state-lab.js';

// One of the two is killed at every step of a transfer. One service goes through all of it, so that what a crash leaves
// behind would be seen by the next. BYE_CRASHES=20 goes through it that often.
const TIMES = Number(process.env['BYE_CRASHES'] ?? 1);

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
const GOOD = { bytes: 4 * 1024 * 1024, manual: true };

const several = (places: Record<string, string>) =>
  Array.from({ length: TIMES }, (_, index) =>
    Object.entries(places).map(([title, place]) => [TIMES > 1 ? `${title} #${index + 1}` : title, place] as const),
  ).flat();

/** Upgrades until one of the two holds at the place. @returns the PID of the new process */
async function upgradeUpTo(lab: StateLab, place: string): Promise<number> {
  const { mark } = lab;
  lab.deploy({ ...GOOD, breaks: { [place]: 'hold' } });
  lab.app.kill('SIGUSR1');
  const pid = pidOf((await lab.line(/upgrade to generation \d+: /, mark)).replace(', pid ', ' pid='));
  await lab.line(`at ${place} `, mark);
  return pid;
}

const isOfOld = (place: string) => place.startsWith('save') || place.startsWith('finish');

describe.skipIf(process.platform !== 'linux')('the new process is killed when', () => {
  let lab: StateLab;
  let old: number;
  let hash: string;
  let descriptors: number;

  beforeAll(async () => {
    lab = new StateLab(GOOD);
    old = await lab.ready();
    ({ hash } = await lab.told());
    // What Node opens for the first child it ever starts stays open.
    lab.deploy({ breaks: { start: 'throw' } });
    lab.app.kill('SIGUSR1');
    await lab.line('upgrade failed');
    descriptors = openDescriptors(old).total;
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  it.each(several(BEFORE))('%s: the old one serves on with what it had', async (_title, place) => {
    const from = lab.mark;
    const pid = await upgradeUpTo(lab, place);
    lab.app.kill('SIGKILL', pid);
    expect(await lab.line('upgrade failed', from)).toContain(`${pid} was ended by SIGKILL before it was ready`);
    if (isOfOld(place)) {
      await lab.line(`save aborted ERR_BYE_STATE_LOST pid=${old}`, from);
      await lab.line(`save stream ERR_BYE_STATE_LOST pid=${old}`, from);
    }
    await lab.line(`upgrade-failed ERR_BYE_UPGRADE_EXITED`, from);
    if (place !== 'start') await lab.line('rollback ERR_BYE_UPGRADE_EXITED', from);
    expect(await lab.told()).toMatchObject({ pid: old, hash });
    expect(lab.app.strays().map((process) => process.pid)).toEqual([old]);
    await until(() => openDescriptors(old).total <= descriptors).catch(() =>
      expect(openDescriptors(old).byTarget).toEqual(descriptors),
    );
  });

  it('never: then it has what the old one had', async () => {
    lab.deploy(GOOD);
    lab.release();
    const pid = await lab.upgrade(1);
    expect(await lab.told()).toMatchObject({ pid, hash });
  });
});

describe.skipIf(process.platform !== 'linux')('the new process is killed when', () => {
  it.each(several(AFTER))('%s: the old one tells that its work is lost, and exits', async (_title, place) => {
    await using lab = new StateLab(GOOD);
    const old = await lab.ready();
    const pid = await upgradeUpTo(lab, place);
    lab.app.kill('SIGKILL', pid);
    await lab.line("state 'app' lost (finish)");
    await lab.line(`closing count=`);
    await lab.app.waitUntilGone(old);
    expect((await lab.app.exited).code).toBe(0);
    expect(lab.app.strays()).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('the old process is killed when', () => {
  let lab: StateLab;
  let generation = 0;
  let descriptors: number;

  beforeAll(async () => {
    lab = new StateLab(GOOD);
    await lab.ready();
    descriptors = openDescriptors(await lab.upgrade(++generation)).total;
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  async function killOld(place: string) {
    const from = lab.mark;
    const old = lab.app.current().pid;
    const { hash } = await lab.told();
    const pid = await upgradeUpTo(lab, place);
    // What a merge has not read yet is all there.
    if (place.startsWith('merge')) await lab.line('handed on (finish)', from);
    lab.app.kill('SIGKILL', old);
    await lab.app.waitUntilGone(old);
    return { from, pid, hash };
  }

  async function servesOn(pid: number): Promise<void> {
    expect((await lab.told()).pid).toBe(pid);
    expect(lab.app.strays().map((process) => process.pid)).toEqual([pid]);
    await until(() => openDescriptors(pid).total <= descriptors).catch(() =>
      expect(openDescriptors(pid).byTarget).toEqual(descriptors),
    );
  }

  it.each(several(BEFORE))('%s: the new one serves, with or without what it had', async (_title, place) => {
    const { from, pid, hash } = await killOld(place);
    // A load that ignores the end of its stream is not waited for.
    if (place !== 'load-middle') lab.release();
    expect(await lab.ready(++generation)).toBe(pid);
    const isWhole = place === 'load-end' || place === 'loaded';
    await lab.line(`addState ${isWhole} pid=${pid}`, from);
    if (!isWhole) await lab.line("state 'app' lost (load)", from);
    if (place.startsWith('load-m')) await lab.line(`load aborted ERR_BYE_STATE_LOST pid=${pid}`, from);
    expect((await lab.told()).hash === hash).toBe(isWhole);
    await servesOn(pid);
  });

  it.each(several(AFTER))('%s: the new one serves on', async (_title, place) => {
    const { from, pid, hash } = await killOld(place);
    lab.release();
    expect(await lab.ready(++generation)).toBe(pid);
    await lab.line(isOfOld(place) ? "state 'app' lost (merge)" : "state 'app' taken over (merge)", from);
    if (place === 'finish-middle') await lab.line(`merge aborted ERR_BYE_STATE_LOST pid=${pid}`, from);
    expect((await lab.told()).hash).toBe(hash);
    await servesOn(pid);
  });
});
