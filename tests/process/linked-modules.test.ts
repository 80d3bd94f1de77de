import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { startApp } from '@bye/testkit';
import { afterEach, beforeEach, it } from 'vitest';
import { Scratch } from './lab.js';

// What Node saw last of the file system decides whether its module loader resolves links (realpathSync() and sockets or
// pipes): a package that is linked, as by workspaces and pnpm, has to be found right after bye looked at a socket or a pipe.

const CORE = dirname(createRequire(import.meta.url).resolve('bye-core/package.json'));

const APP = `
const { createServer } = require('node:http');
require('first');
const { processBye } = require('bye-core');
const bye = processBye();
const server = bye.attach(createServer((request, response) => response.end()));
const places = { processBye: () => {}, listen: () => {}, ready: () => {} };
places[process.env.PLACE] = () => require('linked');
places.processBye();
server.listen(process.env.SOCKET ?? 0, async () => {
  places.listen();
  await bye.ready();
  places.ready();
  console.log('ready pid=' + process.pid + ' generation=' + bye.generation + ' port=0');
});`;

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch();
  const write = (name: string, text: string) => {
    mkdirSync(dirname(scratch.path(name)), { recursive: true });
    writeFileSync(scratch.path(name), text);
  };
  write('app/app.js', APP);
  write('app/node_modules/first/index.js', '');
  write('store/linked/index.js', "require('needed');");
  write('store/node_modules/needed/index.js', '');
  symlinkSync('../../store/linked', scratch.path('app/node_modules/linked'));
  symlinkSync(CORE, scratch.path('app/node_modules/bye-core'));
});
afterEach(() => scratch[Symbol.dispose]());

it.each([
  ['processBye() with a control socket', 'processBye', 'BYE_CONTROL_SOCKET'],
  ['listen() on a unix path', 'listen', 'SOCKET'],
])('a linked package is found after %s', async (_name, PLACE, variable) => {
  await using app = startApp(scratch.path('app/app.js'), { env: { PLACE, [variable]: scratch.path('socket') } });
  await app.waitForGeneration(0);
});

it('a linked package is found by a new process that has said it is ready', async () => {
  await using app = startApp(scratch.path('app/app.js'), { env: { PLACE: 'ready' } });
  await app.waitForGeneration(0);
  app.kill('SIGUSR1');
  await app.waitForGeneration(1);
});
