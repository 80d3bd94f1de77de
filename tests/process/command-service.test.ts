import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BYE, bye, byeJson, CommandRig, LONG, RunningCommand } from './command.js';
import { act } from './lab.js';

// `bye status` and `bye stop` by control socket, and what the command says where there is no service.

const NOBODY = 65534;

let rig: CommandRig;
let socket: string;
beforeEach(() => {
  rig = new CommandRig();
  socket = rig.socket;
});
afterEach(() => rig[Symbol.dispose]());

it('status says what the service does', async () => {
  await using app = rig.start();
  const { pid } = await app.waitForGeneration(0, LONG);
  const told = await bye(['status', '--socket', socket]);
  expect(told).toMatchObject({ code: 0, stderr: '' });
  expect(told.stdout).toMatch(new RegExp(`^ready +process ${pid}, generation 0, up [\\d.]+ m?s\\n`));
  expect(told.stdout).toMatch(/^runs +.*lab\.mjs \(node \S+, bye \S+\)$/m);
  expect(told.stdout).toMatch(/^listens +.*tcp:\*:0/m);
  const { code, lines, result } = await byeJson(['status', '--socket', socket]);
  expect(code).toBe(0);
  expect(lines).toHaveLength(1);
  expect(result).toMatchObject({ ok: true, request: 'status', status: { status: 'ready', pid, generation: 0 } });
});

it('status --watch goes on through an upgrade, and ends with the service', async () => {
  await using app = rig.start();
  const { pid } = await app.waitForGeneration(0, LONG);
  const watch = new RunningCommand(['status', '--watch', '--socket', socket]);
  await watch.log.waitFor(`process ${pid}: ready`, LONG);
  expect((await bye(['upgrade', '--wait', '--socket', socket])).code).toBe(0);
  const next = await app.waitForGeneration(1, LONG);
  await watch.log.waitFor(`process ${next.pid}: ready`, LONG);
  expect((await bye(['stop', '--socket', socket])).code).toBe(0);
  const told = await watch.told;
  expect(told.code).toBe(4);
  expect(told.stdout).toMatch(new RegExp(`process ${next.pid} stops, `));
  expect(told.stderr).toContain('ERR_BYE_NO_SERVICE');
});

it('status --watch ends without a word when nobody reads it, and on Ctrl-C', async () => {
  await using app = rig.start();
  const { pid } = await app.waitForGeneration(0, LONG);
  const read = `${process.execPath} ${BYE} status --watch --socket ${socket}`;
  const script = `{ ${read}; echo "exit $?" >&2; } | head -n 1; :`;
  const change = bye(['upgrade', '--socket', socket]);
  expect(execFileSync('sh', ['-c', `(${script}) 2>&1`], { encoding: 'utf8', timeout: 20_000 })).toContain('process');
  expect((await change).code).toBe(0);
  const { pid: nextPid } = await app.waitForGeneration(1, LONG);
  await app.waitUntilGone(pid);
  const watch = new RunningCommand(['status', '--watch', '--socket', socket]);
  await watch.log.waitFor(`process ${nextPid}: ready`, LONG);
  watch.child.kill('SIGINT');
  expect(await watch.told).toMatchObject({ code: 130, stderr: '' });
});

it('stop ends when the process has ended', async () => {
  await using app = rig.start({ env: { EXIT_MS: '500' } });
  const service = await app.waitForGeneration(0, LONG);
  const answer = act(service, '/spawn-in-shutdown?ms=600');
  await app.waitForLine('request /spawn-in-shutdown', LONG);
  const told = await bye(['stop', '--socket', socket]);
  expect(app.isRunning(service.pid)).toBe(false);
  expect((await answer).outcome).toBe('spawned');
  expect(told).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(new RegExp(`^stopped process ${service.pid}: drained in [\\d.]+ m?s, 1 answered`)),
    stderr: expect.stringContaining(`process ${service.pid} stops, `),
  });
  expect(existsSync(socket)).toBe(false);
});

it('stop fails when work was cut, and names it', async () => {
  await using app = rig.start({ options: { shutdownTimeoutMs: 800 } });
  const service = await app.waitForGeneration(0, LONG);
  const cut = act(service, '/never').catch(() => 'cut');
  await app.waitForLine('request /never', LONG);
  const { code, result } = await byeJson(['stop', '--socket', socket]);
  expect(code).toBe(1);
  expect(result).toMatchObject({ ok: true, drain: { cut: [{ kind: 'request', name: 'GET /never' }] } });
  expect(await cut).toBe('cut');
});

it('there is no service where nothing is, and where one has died: ERR_BYE_NO_SERVICE', async () => {
  const told = await bye(['upgrade', '--socket', socket]);
  expect(told).toMatchObject({ code: 4, stdout: '' });
  expect(told.stderr).toMatch(
    /no such socket \(ERR_BYE_NO_SERVICE\)[\s\S]*Do: start the service with the option controlSocket/,
  );

  await using app = rig.start();
  const { pid } = await app.waitForGeneration(0, LONG);
  app.kill('SIGKILL');
  await app.waitUntilGone(pid);
  expect(existsSync(socket)).toBe(true);
  const stale = await bye(['upgrade', '--socket', socket], { env: { PIDFILE: '/run/app.pid' } });
  expect(stale.code).toBe(4);
  expect(stale.stderr).toMatch(/nobody listens on it \(ERR_BYE_NO_SERVICE\)[\s\S]*Do: start the service/);
  expect(stale.stderr).toContain('A PID file is known, too: bye upgrade --pid-file /run/app.pid');
  const { code, result } = await byeJson(['status', '--socket', socket]);
  expect(code).toBe(4);
  expect(result).toMatchObject({ ok: false, error: { data: { path: socket, reason: 'nobody-listens' } } });
});

it.skipIf(process.getuid?.() !== 0)('another user may not use it: ERR_BYE_NO_SERVICE', async () => {
  await using app = rig.start();
  await app.waitForGeneration(0, LONG);
  chmodSync(rig.scratch.dir, 0o755);
  const told = await bye(['stop', '--socket', socket], { uid: NOBODY });
  expect(told).toMatchObject({ code: 4, stdout: '' });
  expect(told.stderr).toMatch(/this user may not use it .*[\s\S]*Do: run this as the service's user, or as root/);
  expect((await bye(['status', '--socket', socket])).code).toBe(0);
});

it('another program at that path is told from a service: ERR_BYE_CONTROL_GARBAGE', async () => {
  const web = createServer((_request, response) => response.end());
  await new Promise<void>((resolve) => web.listen(socket, resolve));
  const told = await bye(['status', '--socket', socket]);
  expect(told).toMatchObject({ code: 4, stdout: '' });
  expect(told.stderr).toMatch(/another program listens there \(ERR_BYE_CONTROL_GARBAGE\)[\s\S]*Do: /);
  web.close();
  const file = rig.scratch.path('file');
  writeFileSync(file, '');
  expect((await bye(['status', '--socket', file])).code).toBe(4);
});

it('what makes no sense is told with what may have been meant: ERR_BYE_USAGE', async () => {
  const told = await bye(['upgrade', '--wiat', '--socket', socket]);
  expect(told).toMatchObject({ code: 2, stdout: '' });
  expect(told.stderr).toMatch(/Cannot use --wiat: did you mean --wait\? \(ERR_BYE_USAGE\)\n {2}Do: see bye --help/);
  expect(await bye(['status'])).toMatchObject({ code: 2, stderr: expect.stringContaining('BYE_CONTROL_SOCKET') });
  expect(await bye(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Exit codes'), stderr: '' });
});
