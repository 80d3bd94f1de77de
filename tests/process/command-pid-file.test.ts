import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { type App, startApp } from '@bye/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LAB } from '../service.js';
import { bye, byeJson, LONG, RunningCommand } from './command.js';
import { act, Scratch } from './lab.js';

// The command by PID file and signals, for a service without a control socket.

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

let scratch: Scratch;
let file: string;
beforeEach(() => {
  scratch = new Scratch();
  file = scratch.path('pid');
});
afterEach(() => scratch[Symbol.dispose]());

function start(options = {}): App {
  return startApp(LAB, {
    env: { PIDFILE: file, BREAK_FILE: scratch.breakFile, SERVICE_OPTIONS: JSON.stringify(options), BYE_LOG: 'info' },
  });
}

/** A process that knows nothing of bye. */
async function stranger(): Promise<ChildProcess> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await once(child, 'spawn');
  writeFileSync(file, `${child.pid}\n`);
  return child;
}

describe('upgrade', () => {
  it('ends when the file names the new process', async () => {
    await using app = start();
    const { pid } = await app.waitForGeneration(0, LONG);
    const told = await bye(['upgrade'], { env: { PIDFILE: file } });
    const next = await app.waitForGeneration(1, LONG);
    expect(told).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`^upgraded to process ${next.pid}, in [\\d.]+ m?s$`)),
      stderr: `SIGUSR1 sent to process ${pid}: waiting until ${file} names another`,
    });
  });

  it('with --wait it ends when the old process has, and --signal chooses the signal', async () => {
    await using app = start({ upgradeSignals: ['SIGUSR2'] });
    const old = await app.waitForGeneration(0, LONG);
    const answer = act(old, '/spawn-in-shutdown?ms=600');
    await app.waitForLine('request /spawn-in-shutdown', LONG);
    const args = ['upgrade', '--wait', '--signal', 'USR2', '--pid-file', file];
    const { code, result, lines } = await byeJson(args);
    const next = await app.waitForGeneration(1, LONG);
    expect([code, lines.length]).toEqual([0, 1]);
    expect(result).toEqual({ ok: true, request: 'upgrade', pid: next.pid, durationMs: expect.any(Number) });
    expect(app.isRunning(old.pid)).toBe(false);
    expect((await answer).outcome).toBe('spawned');
  });

  it('cannot tell why there is no new process: ERR_BYE_CONTROL_TIMEOUT', async () => {
    await using app = start();
    const { pid } = await app.waitForGeneration(0, LONG);
    scratch.deploy('crash');
    const told = await bye(['upgrade', '--timeout', '1', '--pid-file', file]);
    expect(told).toMatchObject({ code: 5, stdout: '' });
    expect(told.stderr).toMatch(/1\.0 s have passed \(ERR_BYE_CONTROL_TIMEOUT\)[\s\S]*service's log/);
    await app.waitForLine('upgrade failed', LONG);
    expect(readFileSync(file, 'utf8')).toBe(`${pid}\n`);
    expect(app.isRunning(pid)).toBe(true);
  });

  it('fails when the process ended instead: ERR_BYE_SERVICE_ENDED', async () => {
    const child = await stranger();
    const told = await bye(['upgrade', '--pid-file', file]);
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toMatch(new RegExp(`process ${child.pid} ended, .*names no other.*ERR_BYE_SERVICE_ENDED`));
    expect(told.stderr).not.toContain('serves on');
    expect(child.signalCode).toBe('SIGUSR1');
  });

  it('stops waiting on Ctrl-C: ERR_BYE_INTERRUPTED', async () => {
    await using app = start({ readiness: 'manual' });
    await app.waitForGeneration(0, LONG);
    scratch.deploy('hang');
    const command = new RunningCommand(['upgrade', '--pid-file', file]);
    const newPid = Number((await app.waitForLine('hanging', LONG)).split('=')[1]);
    command.child.kill('SIGINT');
    expect(await command.told).toMatchObject({ code: 130, stderr: expect.stringContaining('goes on in the service') });
    process.kill(newPid, 'SIGKILL');
    await app.waitForLine('upgrade failed', LONG);
  });

  it('needs the socket for --force', async () => {
    expect(await bye(['upgrade', '--force', '--pid-file', file])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--force: it needs the control socket'),
    });
  });
});

it('status tells that the process lives, and for how long', async () => {
  await using app = start();
  const { pid } = await app.waitForGeneration(0, LONG);
  const told = await bye(['status', '--pid-file', file]);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toMatch(new RegExp(`^ready +process ${pid}, up [\\d.]+ m?s$`));
});

it('stop ends when the process has', async () => {
  await using app = start();
  const service = await app.waitForGeneration(0, LONG);
  const answer = act(service, '/spawn-in-shutdown?ms=600');
  await app.waitForLine('request /spawn-in-shutdown', LONG);
  expect(await bye(['stop', '--pid-file', file])).toEqual({
    code: 0,
    stdout: `stopped process ${service.pid}`,
    stderr: `SIGTERM sent to process ${service.pid}: waiting until it has ended`,
  });
  expect(app.isRunning(service.pid)).toBe(false);
  expect((await answer).outcome).toBe('spawned');
});

describe('there is no service: ERR_BYE_NO_SERVICE', () => {
  const refusal = async (options = {}) => {
    const { code, stdout, stderr } = await bye(['upgrade', '--pid-file', file], options);
    expect([code, stdout]).toEqual([4, '']);
    expect(stderr).toMatch(/ERR_BYE_NO_SERVICE\)[\s\S]*\n {2}Do: /);
    return stderr;
  };

  it('without a file', async () => {
    expect(await refusal()).toContain('there is no such file');
  });

  it.each(['', 'app 1'])("with '%s' in it", async (content) => {
    writeFileSync(file, content);
    expect(await refusal()).toContain('it does not hold a PID');
  });

  it('with the PID of a process that has ended', async () => {
    const child = await stranger();
    child.kill();
    await once(child, 'exit');
    expect(await refusal()).toContain(`its process ${child.pid} has ended`);
  });

  it.skipIf(process.platform !== 'linux')('with a PID that another process got since: it is left alone', async () => {
    const child = await stranger();
    const before = Date.now() / 1000 - 3600;
    utimesSync(file, before, before);
    expect(await refusal()).toContain(`its process ${child.pid} has ended`);
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    child.kill();
  });

  it.skipIf(!isRoot)('for another user', async () => {
    const child = await stranger();
    chmodSync(scratch.dir, 0o755);
    expect(await refusal({ uid: NOBODY })).toContain('belongs to another user');
    chmodSync(file, 0o600);
    expect(await refusal({ uid: NOBODY })).toContain('this user may not read it');
    child.kill();
  });
});
