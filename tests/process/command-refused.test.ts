import { createConnection, type Socket } from 'node:net';
import { StrictConnection, startApp } from '@bye/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeFrame } from '../../packages/bye-core/src/channel/frames.js';
import { bye, byeJson, CommandRig, LONG } from './command.js';
import { act, pass } from './lab.js';

// `bye upgrade` by control socket, refused: exit code 3, and what to do instead.

let rig: CommandRig;
let socket: string;
beforeEach(() => {
  rig = new CommandRig();
  socket = rig.socket;
});
afterEach(() => rig[Symbol.dispose]());

async function refusal(code: string, says: RegExp): Promise<void> {
  const told = await bye(['upgrade', '--socket', socket]);
  expect(told).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining(code) });
  expect(told.stderr).toMatch(says);
}

it('is refused while another upgrade runs, with 3: ERR_BYE_UPGRADE_IN_PROGRESS', async () => {
  await using app = rig.start();
  await app.waitForGeneration(0, LONG);
  rig.deploy('hang');
  const first = bye(['upgrade', '--socket', socket]);
  const newPid = await rig.hanging(app);
  const second = await bye(['upgrade', '--socket', socket]);
  expect(second).toMatchObject({ code: 3, stdout: '' });
  expect(second.stderr).toMatch(new RegExp(`another upgrade runs, with the new process ${newPid}.*IN_PROGRESS`));
  await rig.end(app, newPid);
  expect((await first).code).toBe(1);
});

it('is refused while the predecessor drains, with 3, until --force: ERR_BYE_PREDECESSOR_DRAINING', async () => {
  await using app = rig.start();
  const old = await app.waitForGeneration(0, LONG);
  const client = await StrictConnection.open(old);
  const cut = act(client, '/never').catch(() => 'cut');
  await app.waitForLine('request /never', LONG);
  expect((await bye(['upgrade', '--socket', socket])).code).toBe(0);
  await app.waitForGeneration(1, LONG);
  // What it waits for it says itself, a moment later.
  await pass(600);
  const refused = await bye(['upgrade', '--socket', socket]);
  expect(refused.code).toBe(3);
  expect(refused.stderr).toMatch(
    new RegExp(
      `the old process ${old.pid} still drains, .*it waits for 1 request,[\\s\\S]*PREDECESSOR_DRAINING` +
        `[\\s\\S]*It has until [\\d:]+ \\(in [45] min[\\s\\S]*bye upgrade --force`,
    ),
  );
  expect((await byeJson(['upgrade', '--socket', socket])).result).toMatchObject({ error: { data: { pid: old.pid } } });
  const forced = await bye(['upgrade', '--force', '--socket', socket]);
  expect(forced).toMatchObject({ code: 0, stdout: expect.stringContaining('generation 2') });
  expect(forced.stderr).toContain(`old process ${old.pid} `);
  await app.waitForGeneration(2, LONG);
  expect(app.isRunning(old.pid)).toBe(false);
  expect(await cut).toBe('cut');
});

it('is refused before the service is ready: ERR_BYE_NOT_READY', async () => {
  await using app = rig.start({ env: { PAUSE_AT: 'listen' } });
  await app.waitForLine('paused at listen', LONG);
  await refusal('ERR_BYE_NOT_READY', /not ready yet[\s\S]*Do: wait until it is ready: bye status --watch/);
  expect(await bye(['status', '--socket', socket])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^starting /),
  });
});

it('is refused while the service stops: ERR_BYE_SHUTTING_DOWN', async () => {
  await using app = rig.start();
  const service = await app.waitForGeneration(0, LONG);
  const client = await StrictConnection.open(service);
  const last = act(client, '/never').catch(() => 'killed');
  await app.waitForLine('request /never', LONG);
  app.kill('SIGTERM');
  await app.waitForLine('stopping on SIGTERM', LONG);
  await refusal('ERR_BYE_SHUTTING_DOWN', /is stopping/);
  const status = await bye(['status', '--socket', socket]);
  expect(status).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^draining .*\n[\s\S]*1 request,[\s\S]*until /),
  });
  app.kill('SIGKILL', service.pid);
  expect(await last).toBe('killed');
});

it('is refused where the exit would end the service: ERR_BYE_UPGRADE_UNSAFE', async () => {
  await using app = rig.start({ env: { pm_id: '0' } });
  await app.waitForGeneration(0, LONG);
  await refusal('ERR_BYE_UPGRADE_UNSAFE', /pm2/);
});

it('is refused for a service without a script: ERR_BYE_UPGRADE_UNAVAILABLE', async () => {
  const code = `
    const { createServer } = require('node:http');
    const bye = require('bye-core').processBye({ controlSocket: ${JSON.stringify(socket)} });
    const server = bye.attach(createServer((request, response) => response.end()));
    server.listen(0, () => bye.ready().then(() => console.log('ready pid=' + process.pid + ' generation=0 port=0')));`;
  await using app = startApp(['-e', code]);
  await app.waitForGeneration(0, LONG);
  await refusal('ERR_BYE_UPGRADE_UNAVAILABLE', /Do: use processBye/);
});

it('tells why a service takes no more watchers: ERR_BYE_CONTROL_REQUEST', async () => {
  await using app = rig.start();
  await app.waitForGeneration(0, LONG);
  const watchers: Socket[] = [];
  const frame = encodeFrame({ bye: 1, request: 'status', watch: true });
  for (let count = 0; count < 256; count++) {
    const watcher = createConnection(socket).on('error', () => {});
    watchers.push(watcher);
    watcher.write(frame);
    await new Promise((resolve) => watcher.once('data', resolve));
  }
  const told = await bye(['status', '--watch', '--socket', socket]);
  expect(told.code).toBe(3);
  expect(told.stderr).toMatch(/256 others watch already: close some \(ERR_BYE_CONTROL_REQUEST\)/);
  expect(await bye(['status', '--socket', socket])).toMatchObject({ code: 0 });
  for (const watcher of watchers) watcher.destroy();
});
