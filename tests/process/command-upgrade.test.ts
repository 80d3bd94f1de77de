import type { App, Generation } from '@bye/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bye, byeJson, CommandRig, LONG, RunningCommand } from './command.js';
import { act } from './lab.js';

// `bye upgrade` by control socket: how each upgrade ends is told, and the old process serves on after every failure.

let rig: CommandRig;
let socket: string;
beforeEach(() => {
  rig = new CommandRig();
  socket = rig.socket;
});
afterEach(() => rig[Symbol.dispose]());

it('upgrades, and says so when the new process is ready', async () => {
  await using app = rig.start();
  const { pid } = await app.waitForGeneration(0, LONG);
  const told = await bye(['upgrade', '--socket', socket]);
  const next = await app.waitForGeneration(1, LONG);
  expect(told).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(new RegExp(`^upgraded to process ${next.pid}, generation 1, in [\\d.]+ m?s$`)),
    stderr: expect.stringContaining(`waits for process ${next.pid} to be ready`),
  });
  expect(told.stderr).not.toContain('\x1b');
  await app.waitUntilGone(pid);

  const { code, lines, result, exitCode } = await byeJson(['upgrade'], { env: { BYE_CONTROL_SOCKET: socket } });
  expect([code, exitCode]).toEqual([0, 0]);
  expect(result).toMatchObject({
    ok: true,
    request: 'upgrade',
    pid: (await app.waitForGeneration(2, LONG)).pid,
    generation: 2,
  });
  expect(lines).toContainEqual(expect.objectContaining({ event: 'upgrade-started', pid: next.pid }));
  expect(lines.filter((line) => 'result' in line)).toHaveLength(1);
});

it('needs neither a terminal nor HOME, nor more than PATH, as in a unit', async () => {
  await using app = rig.start();
  await app.waitForGeneration(0, LONG);
  const onlyEnv = { PATH: '/usr/bin:/bin', BYE_CONTROL_SOCKET: socket };
  expect(await bye(['upgrade'], { onlyEnv })).toMatchObject({ code: 0 });
  await app.waitForGeneration(1, LONG);
});

it('with --wait it ends when the old process has ended', async () => {
  await using app = rig.start({ env: { EXIT_MS: '500' } });
  const old = await app.waitForGeneration(0, LONG);
  const answer = act(old, '/spawn-in-shutdown?ms=1200');
  await app.waitForLine('request /spawn-in-shutdown', LONG);
  const told = await bye(['upgrade', '--wait', '--socket', socket]);
  await app.waitForGeneration(1, LONG);
  expect(app.isRunning(old.pid)).toBe(false);
  expect((await answer).outcome).toBe('spawned');
  expect(told).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/; the old process drained in [\d.]+ m?s, 1 answered/),
  });
  expect(told.stderr).toMatch(new RegExp(`^old process ${old.pid} drains, .* left: waits for tasks, .*1 task$`, 'm'));
});

it('with --wait it fails when work of the old process was cut, and names it', async () => {
  await using app = rig.start({ options: { upgradeDrainTimeoutMs: 500 } });
  const old = await app.waitForGeneration(0, LONG);
  const cut = act(old, '/never?secret=1').catch(() => 'cut');
  await app.waitForLine('request /never', LONG);
  const told = await bye(['upgrade', '--wait', '--socket', socket]);
  await app.waitForGeneration(1, LONG);
  expect(told).toMatchObject({ code: 1, stdout: expect.stringContaining('upgraded to process') });
  expect(told.stderr).toMatch(/^cut at the deadline: request GET \/never, after /m);
  expect(await cut).toBe('cut');
});

const FAILURES: [how: string, code: string, says: RegExp][] = [
  [
    'crash',
    'ERR_BYE_UPGRADE_EXITED',
    /exited with code 1 .*\n {2}because: broken on purpose\n {4}(file|at).*broken\.mjs/,
  ],
  ['syntax-error', 'ERR_BYE_UPGRADE_EXITED', /exited with code 1 .*\n {2}because: SyntaxError: Unexpected token ';'/],
  ['exit-3', 'ERR_BYE_UPGRADE_EXITED', /exited with code 3 before it was ready/],
  ['kill', 'ERR_BYE_UPGRADE_EXITED', /was ended by SIGKILL before it was ready/],
  ['hang', 'ERR_BYE_UPGRADE_TIMEOUT', /did not become ready: waited 1500 ms/],
  ['garbage', 'ERR_BYE_UPGRADE_CHANNEL_LOST', /wrote to its channel what nobody can read/],
];

describe('a version that fails', () => {
  let shared: CommandRig;
  let app: App;
  let service: Generation;
  beforeAll(async () => {
    shared = new CommandRig();
    app = shared.start({ options: { upgradeTimeoutMs: 1500 } });
    service = await app.waitForGeneration(0, LONG);
  });
  afterAll(async () => {
    await app.dispose();
    shared[Symbol.dispose]();
  });

  it.each(FAILURES)('(%s) exits with 1 and %s', async (how, code, says) => {
    shared.deploy(how);
    const told = await bye(['upgrade', '--socket', shared.socket]);
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(says);
    expect(told.stderr).toContain(code);
    expect(told.stderr).toContain('The old process serves on.');
    expect(told.stderr).toMatch(/^ {2}Do: /m);
    expect((await act(service, '/can')).pid).toBe(service.pid);
  });

  it('is told to programs with its code, data and cause', async () => {
    shared.deploy('crash');
    const { code, result, exitCode } = await byeJson(['upgrade', '--socket', shared.socket]);
    expect([code, exitCode]).toEqual([1, 1]);
    expect(result).toMatchObject({
      ok: false,
      request: 'upgrade',
      error: {
        code: 'ERR_BYE_UPGRADE_EXITED',
        data: { exitCode: 1, signal: null },
        cause: { name: 'Error', message: 'broken on purpose', stack: expect.stringContaining('broken.mjs') },
      },
    });
    expect(result['error']).not.toHaveProperty('stack');
  });
});

it('exits with 1 when a hook of the old process fails: ERR_BYE_UPGRADE_HOOK', async () => {
  await using app = rig.start({ hooks: { onBeforeUpgrade: 'throw' } });
  await app.waitForGeneration(0, LONG);
  const told = await bye(['upgrade', '--socket', socket]);
  expect(told.code).toBe(1);
  expect(told.stderr).toMatch(/ERR_BYE_UPGRADE_HOOK.*\n {2}because: onBeforeUpgrade throws/);
});

it('exits with 1 when the service is stopped meanwhile: ERR_BYE_UPGRADE_ABORTED', async () => {
  await using app = rig.start();
  await app.waitForGeneration(0, LONG);
  rig.deploy('hang');
  const upgrade = bye(['upgrade', '--socket', socket]);
  await rig.hanging(app);
  const stopped = await bye(['stop', '--socket', socket]);
  const told = await upgrade;
  expect([stopped.code, told.code]).toEqual([0, 1]);
  expect(told.stderr).toContain('ERR_BYE_UPGRADE_ABORTED');
  expect(told.stderr).not.toContain('serves on');
});

it('exits with 5 when the service is killed in the middle: ERR_BYE_CONTROL_LOST', async () => {
  await using app = rig.start();
  const { pid } = await app.waitForGeneration(0, LONG);
  rig.deploy('hang');
  const upgrade = bye(['upgrade', '--socket', socket]);
  const newPid = await rig.hanging(app);
  app.kill('SIGKILL', pid);
  const told = await upgrade;
  await rig.end(app, newPid);
  expect(told).toMatchObject({ code: 5, stdout: '' });
  expect(told.stderr).toContain('ERR_BYE_CONTROL_LOST');
});

it('exits with 5 after --timeout, and the upgrade goes on: ERR_BYE_CONTROL_TIMEOUT', async () => {
  await using app = rig.start();
  await app.waitForGeneration(0, LONG);
  rig.deploy('hang');
  const told = await bye(['upgrade', '--timeout', '1s', '--socket', socket]);
  expect(told.code).toBe(5);
  expect(told.stderr).toMatch(/1\.0 s have passed \(ERR_BYE_CONTROL_TIMEOUT\)/);
  const newPid = await rig.hanging(app);
  const { result } = await byeJson(['status', '--socket', socket]);
  expect(result).toMatchObject({ status: { upgrade: { generation: 1, pid: newPid } } });
  await rig.end(app, newPid);
});

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('ends on %s with %d, and the upgrade goes on: ERR_BYE_INTERRUPTED', async (signal, code) => {
  await using app = rig.start();
  await app.waitForGeneration(0, LONG);
  rig.deploy('hang');
  const command = new RunningCommand(['upgrade', '--socket', socket]);
  await command.log.waitFor('waits for process', LONG);
  command.child.kill(signal);
  const told = await command.told;
  expect(told.code).toBe(code);
  expect(told.stderr).toContain(`on ${signal}: the upgrade goes on in the service (ERR_BYE_INTERRUPTED)`);
  const newPid = await rig.hanging(app);
  const { result } = await byeJson(['status', '--socket', socket]);
  expect(result).toMatchObject({ status: { upgrade: { generation: 1, pid: newPid } } });
  await rig.end(app, newPid);
});

it('goes on when nobody reads what it prints', async () => {
  await using app = rig.start();
  await app.waitForGeneration(0, LONG);
  const command = new RunningCommand(['upgrade', '--json', '--socket', socket]);
  command.child.stdout?.destroy();
  command.child.stderr?.destroy();
  expect((await command.told).code).toBe(0);
  await app.waitForGeneration(1, LONG);
});
