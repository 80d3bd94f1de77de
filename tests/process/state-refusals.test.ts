import { startTraffic, until } from '@bye/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printed } from './lab.js';
import { type Plan, StateLab } from './state-lab.js';

interface Failure {
  /** What the next version does, or the one that runs. */
  readonly plan: Plan;
  readonly says: RegExp;
  /** What `onUpgradeFailed` and `rollback` get. */
  readonly code: string;
}

const TIMED_OUT = { says: /did not become ready: waited 2000 ms/, code: 'ERR_BYE_UPGRADE_TIMEOUT' };
const refused = (says: RegExp) => ({ says, code: 'ERR_BYE_STATE_REFUSED' });
const unsaved = (says: RegExp) => ({ says, code: 'ERR_BYE_STATE_SAVE' });

const FAILURES: Record<string, Failure> = {
  'load throws': {
    plan: { breaks: { load: 'throw' } },
    ...refused(/refuses the state 'app', version 1 \(ERR_BYE_STATE_REFUSED\): Error: load broken on purpose/),
  },
  'load throws when all is read': {
    plan: { breaks: { 'load-end': 'throw' } },
    ...refused(/refuses the state 'app', version 1 .*load-end broken on purpose/),
  },
  'the new version does not read what is written': {
    plan: { version: 3, reads: [2, 3] },
    ...refused(/refuses the state 'app', version 1 .*does not read version 1 of it/),
  },
  'the new version reads another type of version': {
    plan: { version: '1' },
    ...refused(/refuses the state 'app', version 1 .*does not read version 1 of it/),
  },
  'load hangs': { plan: { breaks: { load: 'hang' } }, ...TIMED_OUT },
  'load hangs in the middle of the bytes': { plan: { breaks: { 'load-middle': 'hang' } }, ...TIMED_OUT },
  'save hangs': { plan: { breaks: { 'save-middle': 'hang' } }, ...TIMED_OUT },
  'save throws': {
    plan: { breaks: { save: 'throw' } },
    ...unsaved(/saving the state 'app' failed \(ERR_BYE_STATE_SAVE\): Error: save broken on purpose/),
  },
  'save throws in the middle of the bytes': {
    plan: { breaks: { 'save-middle': 'throw' } },
    ...unsaved(/saving the state 'app' failed \(ERR_BYE_STATE_SAVE\): Error: save-middle broken on purpose/),
  },
  'the new version writes garbage to the state pipe': {
    plan: { breaks: { load: 'garbage' }, garbageFd: 6 },
    says: /wrote to its state pipe what nobody can read \(ERR_BYE_UPGRADE_CHANNEL_LOST\).*no frame of it/,
    code: 'ERR_BYE_UPGRADE_CHANNEL_LOST',
  },
  'the new version exits while it loads': {
    plan: { breaks: { load: 'exit' } },
    says: /exited with code 1 before it was ready/,
    code: 'ERR_BYE_UPGRADE_EXITED',
  },
};

const BYTES = 1024 * 1024;

describe.skipIf(process.platform !== 'linux')('an upgrade is harmless when', () => {
  let lab: StateLab;
  let pid: number;
  let hash: string;

  beforeAll(async () => {
    lab = new StateLab({ bytes: BYTES }, { upgradeTimeoutMs: 2000 });
    pid = await lab.ready();
    ({ hash } = await lab.told());
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  it.each(Object.entries(FAILURES))('%s', async (_title, { plan, says, code }) => {
    const from = lab.mark;
    lab.deploy(plan);
    const { port } = lab.app.current();
    const traffic = startTraffic({ target: { port }, keepAliveClients: 2, freshClients: 1 });
    lab.app.kill('SIGUSR1');
    expect(await lab.line('upgrade failed', from)).toMatch(says);
    await lab.line(`upgrade-failed ${code}`, from);
    await lab.line(`rollback ${code} pid=${pid}`, from);
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect([...counts.byPid.keys()]).toEqual([pid]);
    expect(await lab.told()).toMatchObject({ pid, hash });
    expect(lab.app.strays().map((process) => process.pid)).toEqual([pid]);
    expect(printed(lab.app)).not.toMatch(/ready pid=\d+ generation=1|UnhandledPromiseRejection/);
  });

  it('it is aborted by a stop in the middle of the bytes', async () => {
    const from = lab.mark;
    lab.deploy({ breaks: { 'load-middle': 'hang' } });
    lab.app.kill('SIGUSR1');
    await lab.line('at load-middle', from);
    lab.app.kill('SIGTERM', pid);
    await lab.line('upgrade-failed ERR_BYE_UPGRADE_ABORTED');
    await lab.line('rollback ERR_BYE_UPGRADE_ABORTED');
    expect((await lab.app.waitForExit()).code).toBe(0);
    expect(lab.app.strays()).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('neighbours', () => {
  it.each<[title: string, first: Plan, next: Plan, loaded: string]>([
    ['an old version without state', { has: [] }, {}, 'addState false'],
    ['an old version that only merges', { has: ['merge'] }, {}, 'addState false'],
    ['a new version without state', {}, { has: [] }, 'ready'],
    ['a newer version of the application', { version: 1 }, { version: 2, reads: [1, 2] }, 'addState true'],
    ['an older version of the application', { version: 2 }, { version: 1, reads: 'any' }, 'addState true'],
  ])('%s: the upgrade succeeds', async (_title, first, next, loaded) => {
    await using lab = new StateLab({ bytes: BYTES, ...first });
    await lab.ready();
    const { hash } = await lab.told();
    lab.deploy(next);
    const pid = await lab.upgrade(1);
    await lab.line(new RegExp(`^${loaded} .*?pid=${pid}|^${loaded} pid=${pid}`));
    expect((await lab.told()).hash === hash).toBe(loaded === 'addState true');
    expect(printed(lab.app)).not.toMatch(/ error: /);
    await lab.upgrade(2);
  });

  it('a merge that fails, and a finish that fails, are told, and nothing else comes of them', async () => {
    await using lab = new StateLab({ breaks: { finish: 'throw' } });
    await lab.ready();
    await lab.upgrade(1);
    await lab.line("state 'app': finish failed: Error: finish broken on purpose");
    await lab.line("state 'app' lost (merge)");
    const { mark } = lab;
    lab.deploy({ breaks: { 'merge-end': 'throw' } });
    const old = lab.app.current().pid;
    await lab.upgrade(2);
    await lab.line(new RegExp(`bye\\[${old}\\] error: state 'app': merge failed: .*merge-end broken on purpose`), mark);
    await until(() => lab.app.strays().length === 1);
  });

  it('a merge that hangs does not keep the old process, nor the next upgrade, for ever', async () => {
    const drain = { upgradeDrainTimeoutMs: 1000, closeReserveMs: 1000, upgradeTimeoutMs: 6000 };
    await using lab = new StateLab({}, drain);
    await lab.ready();
    lab.deploy({ breaks: { merge: 'hang' } });
    await lab.upgrade(1);
    await lab.line("state 'app' is handed on (finish), but was not merged in time");
    lab.deploy({});
    await lab.upgrade(2);
    // Only who has it knows, and tells.
    expect(printed(lab.app)).toMatch(/state 'app' lost \(merge\)/);
    expect(printed(lab.app)).not.toMatch(/lost \(finish\)/);
  });
});
