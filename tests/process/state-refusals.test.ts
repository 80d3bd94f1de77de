import { startTraffic, until } from '@bye/testkit';
import { describe, expect, it } from 'vitest';
import { printed } from './lab.js';
import { type Plan, StateLab } from './state-lab.js';

interface Failure {
  /** The version that runs, and the one it is upgraded to. */
  readonly first?: Plan;
  readonly next?: Plan;
  readonly says: RegExp;
  /** What `onUpgradeFailed` and `rollback` get. */
  readonly code: string;
}

const REFUSED = 'ERR_BYE_STATE_REFUSED';

const FAILURES: Record<string, Failure> = {
  'load throws': {
    next: { breaks: { load: 'throw' } },
    says: /refuses the state 'app', version 1 \(ERR_BYE_STATE_REFUSED\): Error: load broken on purpose/,
    code: REFUSED,
  },
  'load throws when all is read': {
    next: { breaks: { 'load-end': 'throw' } },
    says: /refuses the state 'app', version 1 .*load-end broken on purpose/,
    code: REFUSED,
  },
  'the new version does not read what is written': {
    first: { version: '2026-11' },
    next: { version: 1, reads: [1, 2] },
    says: /refuses the state 'app', version 2026-11 .*does not read version 2026-11 of it/,
    code: REFUSED,
  },
  'the new version reads another type of version': {
    next: { version: '1' },
    says: /refuses the state 'app', version 1 /,
    code: REFUSED,
  },
  'load hangs': {
    next: { breaks: { load: 'hang' } },
    says: /did not become ready: waited 3000 ms/,
    code: 'ERR_BYE_UPGRADE_TIMEOUT',
  },
  'load hangs in the middle of the bytes': {
    next: { breaks: { 'load-middle': 'hang' } },
    says: /did not become ready: waited 3000 ms/,
    code: 'ERR_BYE_UPGRADE_TIMEOUT',
  },
  'save hangs': {
    first: { breaks: { 'save-middle': 'hang' } },
    says: /did not become ready: waited 3000 ms/,
    code: 'ERR_BYE_UPGRADE_TIMEOUT',
  },
  'save throws': {
    first: { breaks: { save: 'throw' } },
    says: /saving the state 'app' failed \(ERR_BYE_STATE_SAVE\): Error: save broken on purpose/,
    code: 'ERR_BYE_STATE_SAVE',
  },
  'save throws in the middle of the bytes': {
    first: { breaks: { 'save-middle': 'throw' } },
    says: /saving the state 'app' failed \(ERR_BYE_STATE_SAVE\): Error: save-middle broken on purpose/,
    code: 'ERR_BYE_STATE_SAVE',
  },
  'the new version writes garbage to the state pipe': {
    next: { breaks: { load: 'garbage' }, garbageFd: 6 },
    says: /wrote to its state pipe what nobody can read \(ERR_BYE_UPGRADE_CHANNEL_LOST\).*no frame of it/,
    code: 'ERR_BYE_UPGRADE_CHANNEL_LOST',
  },
  'the new version exits while it loads': {
    next: { breaks: { load: 'die' } },
    says: /was ended by SIGKILL before it was ready/,
    code: 'ERR_BYE_UPGRADE_EXITED',
  },
};

const BYTES = 1024 * 1024;

describe.skipIf(process.platform !== 'linux')('an upgrade is harmless when', () => {
  it.each(Object.entries(FAILURES))('%s', async (_title, { first, next, says, code }) => {
    await using lab = new StateLab({ bytes: BYTES, ...first }, { upgradeTimeoutMs: 3000 });
    const pid = await lab.ready();
    const { hash } = await lab.told();
    const { port } = lab.app.current();
    lab.deploy({ ...next });
    const traffic = startTraffic({ target: { port }, keepAliveClients: 2, freshClients: 1 });
    lab.app.kill('SIGUSR1');
    expect(await lab.line('upgrade failed')).toMatch(says);
    await lab.line(`upgrade-failed ${code}`);
    await lab.line(`rollback ${code} pid=${pid}`);
    const counts = await traffic.stop();
    expect(counts.failures).toEqual([]);
    expect([...counts.byPid.keys()]).toEqual([pid]);
    expect(await lab.told()).toMatchObject({ pid, hash });
    expect(lab.app.strays().map((process) => process.pid)).toEqual([pid]);
    expect(printed(lab.app)).not.toMatch(/ready pid=\d+ generation=1|unhandledRejection|Unhandled/);
  });

  it('it is aborted by a stop in the middle of the bytes', async () => {
    await using lab = new StateLab({ bytes: BYTES });
    const pid = await lab.ready();
    lab.deploy({ breaks: { 'load-middle': 'hang' } });
    lab.app.kill('SIGUSR1');
    await lab.line('at load-middle');
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
    lab.deploy({ breaks: { 'merge-end': 'throw' } });
    await lab.upgrade(1);
    await lab.line("state 'app': finish failed: Error: finish broken on purpose");
    await lab.line("state 'app' lost (merge)");
    const { mark } = lab;
    const old = lab.app.current().pid;
    await lab.upgrade(2);
    await lab.line(new RegExp(`bye\\[${old}\\] error: state 'app': merge failed: .*merge-end broken on purpose`), mark);
    await until(() => lab.app.strays().length === 1);
  });

  it('a merge that hangs does not keep the old process, nor the next upgrade, for ever', async () => {
    const drain = { upgradeDrainTimeoutMs: 1000, closeReserveMs: 1000, upgradeTimeoutMs: 4000 };
    await using lab = new StateLab({}, drain);
    await lab.ready();
    lab.deploy({ breaks: { merge: 'hang' } });
    await lab.upgrade(1);
    await lab.line("state 'app' lost (finish)");
    lab.deploy({});
    await lab.upgrade(2);
  });
});
