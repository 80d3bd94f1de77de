import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '@bye/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BYE } from '../process/command.js';
import { ask, expectRefused, findOuterPid, missing, processesIn, type Service, Workshop } from './lab.js';

const LAB = fileURLToPath(new URL('systemd-lab.sh', import.meta.url));
const NODE = process.execPath;
const UNIT = 'app.service';
const PID_FILE = '/run/app.pid';
const WITH_PID_FILE = [`PIDFile=${PID_FILE}`, `Environment=PIDFILE=${PID_FILE}`];

const run = promisify(execFile);
const reason = missing(['systemctl', 'unshare', 'nsenter', 'setpriv'], { root: true });

describe.skipIf(reason !== undefined)(`under a real systemd${reason === undefined ? '' : `: ${reason}`}`, () => {
  let lab: Workshop;
  let workshop: Workshop;

  beforeAll(() => {
    lab = new Workshop();
    execFileSync(LAB, ['start', lab.dir], { stdio: 'inherit' });
  });
  afterAll(() => {
    execFileSync(LAB, ['stop', lab.dir], { stdio: 'inherit' });
    lab[Symbol.dispose]();
  });
  beforeEach(() => {
    workshop = new Workshop();
  });
  afterEach(async () => {
    await inside('systemctl', 'stop', UNIT);
    expect(processesIn(workshop.dir)).toEqual([]);
    workshop[Symbol.dispose]();
  });

  test('the main process of a unit without a PID file is refused an upgrade', async () => {
    const service = await startUnit([]);
    await expectRefused(stderr, service, /Set PIDFile=.* in the unit and PIDFILE=.* in its environment/);
    expect(await show('ActiveState', 'MainPID')).toEqual(['active', String(service.pid)]);
  });

  test('NOTIFY_SOCKET alone does not help, and the refusal says so', async () => {
    const service = await startUnit(['NotifyAccess=all']);
    await expectRefused(stderr, service, /does not send MAINPID=.*Set PIDFile=/);
  });

  test('the child of a script that is the main process is refused an upgrade', async () => {
    workshop.write('start.sh', `${NODE} app.js\nexit $?\n`);
    const service = await startUnit([], '/bin/sh start.sh');
    await expectRefused(stderr, service, /Set PIDFile=/);
    expect(await show('ActiveState')).toEqual(['active']);
  });

  test('with PIDFile= `systemctl reload` upgrades, again and again, and `systemctl stop` lets a request finish', async () => {
    const first = await startUnit(WITH_PID_FILE);
    await inside('systemctl', 'reload', UNIT);
    const second = await waitForGeneration(1);
    await until(async () => (await show('MainPID'))[0] === String(second.pid), {
      what: 'systemd took over the new PID',
    });
    await inside('systemctl', 'reload', UNIT);
    const third = await waitForGeneration(2);
    await until(async () => (await show('MainPID'))[0] === String(third.pid), {
      what: 'systemd took over the new PID',
    });
    expect(await ask(third.port)).toMatchObject({ pid: third.pid, generation: 2 });
    expect([second.port, third.port]).toEqual([first.port, first.port]);

    const slow = ask(third.port, '/slow');
    await until(() => stdout().includes('slow begins'));
    await inside('systemctl', 'stop', UNIT);
    expect(await slow).toMatchObject({ pid: third.pid });
    expect(await show('ActiveState', 'Result', 'ExecMainStatus')).toEqual(['inactive', 'success', '0']);
    expect(await inside('journalctl', '--unit', UNIT)).not.toMatch(/not our child|Killing|timed out/);
    await expect(inside('test', '-e', PID_FILE)).rejects.toMatchObject({ code: 1 });
  });

  test('a reload to a version that crashes leaves the unit as it was, and the next one upgrades', async () => {
    const app = readFileSync(join(workshop.dir, 'app.js'), 'utf8');
    const service = await startUnit(WITH_PID_FILE);
    workshop.write('app.js', "throw new Error('release 42 is broken');");
    await inside('systemctl', 'reload', UNIT);
    await until(() => /ERR_BYE_UPGRADE_EXITED/.test(stderr()), { what: 'the failure is on stderr' });
    expect(stderr()).toContain('release 42 is broken');
    expect(await show('ActiveState', 'MainPID')).toEqual(['active', String(service.pid)]);
    expect(await ask(service.port)).toMatchObject({ pid: service.pid, generation: 0 });
    expect((await inside('cat', PID_FILE)).trim()).toBe(String(service.pid));

    workshop.write('app.js', app);
    await inside('systemctl', 'reload', UNIT);
    const next = await waitForGeneration(1);
    expect(await ask(next.port)).toMatchObject({ pid: next.pid, generation: 1 });
  });

  test('with ExecReload=bye upgrade a reload ends when the new process serves, and fails with the reason', async () => {
    const app = readFileSync(join(workshop.dir, 'app.js'), 'utf8');
    const service = await startUnit([
      ...WITH_PID_FILE,
      'RuntimeDirectory=app',
      'Environment=BYE_CONTROL_SOCKET=%t/app/bye.sock',
      'ExecReload=',
      `ExecReload=${NODE} ${BYE} upgrade`,
    ]);
    workshop.write('app.js', "throw new Error('release 42 is broken');");
    await expect(inside('systemctl', 'reload', UNIT)).rejects.toMatchObject({ code: 1 });
    expect(stderr()).toMatch(/^bye upgrade: .*ERR_BYE_UPGRADE_EXITED\)\n {2}because: release 42 is broken/m);
    expect(await show('ActiveState', 'MainPID')).toEqual(['active', String(service.pid)]);

    workshop.write('app.js', app);
    await inside('systemctl', 'reload', UNIT);
    expect(stdout()).toMatch(/^upgraded to process \d+, generation 1, in /m);
    const next = await waitForGeneration(1);
    expect(await ask(next.port)).toMatchObject({ pid: next.pid, generation: 1 });
    await until(async () => (await show('MainPID'))[0] === String(next.pid), {
      what: 'systemd took over the new PID',
    });
    await inside('systemctl', 'stop', UNIT);
    await expect(inside('test', '-e', '/run/app')).rejects.toMatchObject({ code: 1 });
  });

  async function inside(...command: string[]): Promise<string> {
    return (await run(LAB, ['exec', lab.dir, ...command])).stdout;
  }

  async function show(...properties: string[]): Promise<string[]> {
    const shown = await inside('systemctl', 'show', UNIT, ...properties.map((name) => `--property=${name}`));
    const values = new Map(shown.split('\n').map((line) => line.split('=') as [string, string]));
    return properties.map((name) => values.get(name) ?? '');
  }

  const stdout = () => readFileSync(join(workshop.dir, 'out.log'), 'utf8');
  const stderr = () => readFileSync(join(workshop.dir, 'err.log'), 'utf8');

  async function startUnit(lines: readonly string[], command = `${NODE} app.js`): Promise<Service> {
    const unit = [
      '[Service]',
      `WorkingDirectory=${workshop.dir}`,
      `ExecStart=${command}`,
      'ExecReload=/bin/kill -USR1 $MAINPID',
      `StandardOutput=append:${workshop.dir}/out.log`,
      `StandardError=append:${workshop.dir}/err.log`,
      ...lines,
    ];
    lab.write(`units/${UNIT}`, `${unit.join('\n')}\n`);
    await inside('systemctl', 'daemon-reload');
    await inside('systemctl', 'start', UNIT);
    return waitForGeneration(0);
  }

  async function waitForGeneration(generation: number): Promise<Service> {
    const line = new RegExp(`^ready pid=(\\d+) generation=${generation} port=(\\d+)$`, 'm');
    const [, pid, port] = await until(() => line.exec(stdout()), { what: `generation ${generation} is ready` });
    return { pid: Number(pid), port: Number(port), outerPid: findOuterPid(Number(pid), workshop.dir) };
  }
});
