import { until } from '@bye/testkit';
import { test as anyTest, expect } from 'vitest';
import { Hooked } from './hooked.js';

const test = anyTest.skipIf(process.platform === 'win32');
const CLEAN = { code: 0, signal: null };
const BOTH = { beforeUpgrade: ['tell'], upgradeFailed: ['tell'] };
const BEFORE = ['hook beforeUpgrade tell undefined', 'end of hook beforeUpgrade tell'];

/** Asks for an upgrade, and waits for its end. */
async function upgrade(hooked: Hooked): Promise<Readonly<Record<string, unknown>>> {
  return (await hooked.act('/upgrade')) as Record<string, unknown>;
}

test('an onBeforeUpgrade hook that hangs fails the upgrade at upgradeTimeoutMs, and the next one may work', async () => {
  await using hooked = new Hooked({ beforeUpgrade: ['wait'], upgradeFailed: ['tell'] }, { upgradeTimeoutMs: 600 });
  await hooked.app.waitForGeneration(0);
  expect(await upgrade(hooked)).toMatchObject({
    code: 'ERR_BYE_UPGRADE_HOOK',
    cause: expect.stringContaining('onBeforeUpgrade() did not end in its time'),
  });
  expect(hooked.hookLines()).toContain('end of hook upgradeFailed tell');
  expect(hooked.events().map(({ event }) => event)).not.toContain('bye:upgrade-started');
  hooked.go();
  // The hooks of the one that failed end only now.
  await hooked.app.waitForLine('end of hook beforeUpgrade');
  hooked.deploy({});
  await until(async () => 'pid' in (await upgrade(hooked)), { timeoutMs: 20_000 });
  await hooked.app.waitForGeneration(1);
});

test('both run for every way an upgrade fails in, the second with its error', async () => {
  await using hooked = new Hooked(BOTH, { upgradeTimeoutMs: 3000, readiness: 'manual' });
  const { pid } = await hooked.app.waitForGeneration(0);
  const fail = async (how: string): Promise<string[]> => {
    const from = hooked.hookLines().length;
    hooked.break(how);
    await upgrade(hooked);
    return hooked.hookLines().slice(from);
  };
  const failed = (what: string) => [...BEFORE, `hook upgradeFailed tell ${what}`, 'end of hook upgradeFailed tell'];
  expect(await fail('crash')).toEqual(failed('ERR_BYE_UPGRADE_EXITED broken on purpose'));
  expect(await fail('kill')).toEqual(failed('ERR_BYE_UPGRADE_EXITED'));
  expect(await fail('hang')).toEqual(failed('ERR_BYE_UPGRADE_TIMEOUT'));
  const garbled = failed('');
  garbled[2] = expect.stringContaining('ERR_BYE_UPGRADE_CHANNEL_LOST');
  expect(await fail('garbage')).toEqual(garbled);
  expect(hooked.app.current().pid).toBe(pid);
  hooked.break('hang');
  const from = hooked.hookLines().length;
  hooked.app.kill('SIGUSR1');
  await until(() => hooked.app.strays().length === 2);
  hooked.app.kill('SIGTERM');
  expect(await hooked.app.waitForExit()).toEqual(CLEAN);
  await until(() => hooked.hookLines().length === from + 4);
  expect(hooked.hookLines().slice(from)).toEqual(failed('ERR_BYE_UPGRADE_ABORTED'));
});

test.each([
  ['a Node that is not there', { successor: { execPath: '/nowhere/node' } }, 'ERR_BYE_UPGRADE_SPAWN'],
  ['a hook of onBeforeUpgrade that throws', { beforeUpgrade: ['throw'] }, 'ERR_BYE_UPGRADE_HOOK beforeUpgrade throws'],
])('onUpgradeFailed runs after %s', async (_, release, what) => {
  await using hooked = new Hooked({ ...BOTH, ...release });
  await hooked.app.waitForGeneration(0);
  await upgrade(hooked);
  expect(hooked.hookLines().slice(-2)).toEqual([`hook upgradeFailed tell ${what}`, 'end of hook upgradeFailed tell']);
});

test('an onUpgradeFailed hook that hangs, or throws, holds up neither the others nor the next upgrade for ever', async () => {
  await using hooked = new Hooked({ upgradeFailed: ['hang', 'throw', 'tell'] }, { upgradeTimeoutMs: 1500 });
  await hooked.app.waitForGeneration(0);
  hooked.break('crash');
  expect(await upgrade(hooked)).toMatchObject({ code: 'ERR_BYE_UPGRADE_EXITED' });
  expect(hooked.hookLines()).toContain('end of hook upgradeFailed tell');
  const told = hooked.events().flatMap(({ event, message }) => (event === 'bye:hook-failed' ? [message] : []));
  expect(told).toEqual([
    expect.stringContaining('upgradeFailed throws'),
    expect.stringContaining('did not end in its time'),
  ]);
  hooked.break('');
  hooked.deploy({});
  await until(async () => 'pid' in (await upgrade(hooked)), { timeoutMs: 20_000 });
  await hooked.app.waitForGeneration(1);
});

test('an onUpgradeFailed hook that hangs cuts no stop short', async () => {
  await using hooked = new Hooked({ upgradeFailed: ['hang'] }, { shutdownTimeoutMs: 4000, closeReserveMs: 500 });
  await hooked.app.waitForGeneration(0);
  hooked.break('crash');
  hooked.app.kill('SIGUSR1');
  await hooked.app.waitForLine('hook upgradeFailed hang');
  hooked.app.kill('SIGTERM');
  expect(await hooked.app.waitForExit()).toEqual(CLEAN);
});
