/** The deploy scripts of docs/upgrades.md, on the release layout of the same page. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readlinkSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment, startApp } from '@bye/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BYE } from '../process/command.js';
import { blocksOf, readPage } from './pages.js';

const core = createRequire(import.meta.url).resolve('bye-core');
const release = (number: number) => `
const { createServer } = require('node:http');
const { processBye } = require(${JSON.stringify(core)});
const bye = processBye();
const server = bye.attach(createServer((request, response) => response.end('release ${number}')));
server.listen(0, '127.0.0.1', async () => {
  await bye.ready();
  console.log('ready pid=' + process.pid + ' generation=' + bye.generation + ' port=' + server.address().port);
});
`;

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bye-deploy-')));
  const releases = { 41: release(41), 42: release(42), 43: "throw new Error('release 43 is broken');" };
  for (const [number, code] of Object.entries(releases)) {
    mkdirSync(join(root, 'releases', number), { recursive: true });
    writeFileSync(join(root, 'releases', number, 'app.js'), code);
    const bin = join(root, 'releases', number, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(BYE, join(bin, 'bye'));
  }
  symlinkSync('releases/41', join(root, 'current'));
  const blocks = blocksOf(readPage('docs/upgrades.md'));
  for (const name of ['deploy.mjs', 'deploy.sh']) {
    const script = blocks.find(({ remark }) => remark === `runs: ${name}`);
    writeFileSync(join(root, name), script?.code ?? '');
  }
});
afterEach(() => rmSync(root, { recursive: true }));

test('the deploy script upgrades to a release, and fails for one that is broken', async () => {
  const current = join(root, 'current');
  await using app = startApp('app.js', { cwd: current, env: { PWD: current } });
  const { port } = await app.waitForGeneration(0);
  const url = `http://127.0.0.1:${port}`;
  const ask = async () => (await fetch(url, { headers: { connection: 'close' } })).text();
  expect(await ask()).toBe('release 41');

  const good = await deploy('42', url);
  expect(good).toMatchObject({ code: 0, output: expect.stringMatching(/^release 42: process \d+, generation 1$/m) });
  expect(await ask()).toBe('release 42');
  await app.waitUntilGone(app.pid);

  const bad = await deploy('43', url);
  expect(bad).toMatchObject({ code: 1, output: expect.stringContaining('release 43 is broken') });
  expect(await ask()).toBe('release 42');
  expect(readlinkSync(current)).toBe('releases/43');
});

test('with a control socket the deploy script also puts the link back', async () => {
  const current = join(root, 'current');
  const socket = join(root, 'bye.sock');
  await using app = startApp('app.js', { cwd: current, env: { PWD: current, BYE_CONTROL_SOCKET: socket } });
  await app.waitForGeneration(0);

  const good = await run('sh', 'deploy.sh', '42', { APP_SOCKET: socket });
  const { pid } = await app.waitForGeneration(1);
  expect(good).toMatchObject({ code: 0, output: expect.stringContaining(`upgraded to process ${pid}, generation 1`) });
  expect(readlinkSync(current)).toBe('releases/42');
  await app.waitUntilGone(app.pid);

  const bad = await run('sh', 'deploy.sh', '43', { APP_SOCKET: socket });
  expect(bad).toMatchObject({ code: 1, output: expect.stringContaining('because: release 43 is broken') });
  expect(readlinkSync(current)).toBe('releases/42');
  expect(app.current().pid).toBe(pid);
});

function deploy(number: string, url: string) {
  return run(process.execPath, 'deploy.mjs', number, { APP_URL: url });
}

async function run(
  program: string,
  script: string,
  number: string,
  env: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const child: ChildProcess = spawn(program, [join(root, script), number], {
    env: cleanEnvironment({ APP_ROOT: root, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (data) => {
      output += data;
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}
