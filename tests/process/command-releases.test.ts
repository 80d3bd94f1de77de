import { rmSync } from 'node:fs';
import { type App, startApp } from '@bye/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { copyCore, Releases } from '../releases.js';
import { bye, LONG } from './command.js';

// `bye upgrade` to a release that cannot be started, or that is of another version of bye.

let releases: Releases;
let socket: string;
beforeEach(() => {
  releases = new Releases();
  socket = releases.path('bye.sock');
});
afterEach(() => releases[Symbol.dispose]());

function start(): App {
  releases.deploy('41');
  return startApp(releases.path('current/app.mjs'), { env: { BYE_CONTROL_SOCKET: socket } });
}

async function fails(says: RegExp): Promise<void> {
  const told = await bye(['upgrade', '--socket', socket]);
  expect(told).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(says) });
  expect(told.stderr).toContain('The old process serves on.');
  expect(await bye(['status', '--socket', socket])).toMatchObject({ code: 0 });
}

it('fails when the release is gone: ERR_BYE_UPGRADE_SPAWN', async () => {
  await using app = start();
  await app.waitForGeneration(0, LONG);
  rmSync(releases.path('current'));
  await fails(/app\.mjs.*\(ERR_BYE_UPGRADE_SPAWN\)/);
});

it('fails when the release speaks another protocol: ERR_BYE_PROTOCOL', async () => {
  await using app = start();
  await app.waitForGeneration(0, LONG);
  const release = releases.deploy('42');
  copyCore(release, (code) => code.replace('PROTOCOL_VERSION = 1;', 'PROTOCOL_VERSION = 2;'));
  await fails(/\(ERR_BYE_PROTOCOL\)[\s\S]*Do: restart the service once/);
});

it('says that the service speaks another version of the control socket: ERR_BYE_CONTROL_REQUEST', async () => {
  const release = releases.deploy('41');
  copyCore(release, (code) => code.replace('CONTROL_VERSION = 1;', 'CONTROL_VERSION = 2;'));
  await using app = startApp(releases.path('current/app.mjs'), { env: { BYE_CONTROL_SOCKET: socket } });
  await app.waitForGeneration(0, LONG);
  const told = await bye(['upgrade', '--socket', socket]);
  expect(told).toMatchObject({ code: 3, stderr: expect.stringMatching(/of version 1.*\(ERR_BYE_CONTROL_REQUEST\)/) });
  expect(told.stderr).toContain('Do: use the command of the version that the service runs');
});
