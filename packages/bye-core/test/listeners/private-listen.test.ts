import { once } from 'node:events';
import { linkSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noteDroppedPaths } from '../../src/listeners/dropped-paths.js';
import { deferOpening } from '../../src/listeners/private-listen.js';
import { ask, scratchDirectory } from './scratch.js';

const test0 = test.skipIf(process.platform === 'win32');

test0('deferOpening() lets nobody connect to the bound socket before its mode is 0600', async () => {
  const path = join(scratchDirectory(), 'bound');
  const server = createServer((socket) => socket.end('here'));
  const open = deferOpening(server);
  const before = process.umask(0);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await once(server, 'listening');
  expect(statSync(path).mode & 0o777).toBe(0o777);
  const [error] = (await once(connect(path), 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNREFUSED');
  open(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await ask(path)).toBe('here');
  server.close();
});

test0('noteDroppedPaths() removes what still leads there, unless this process listens there again', async () => {
  const directory = scratchDirectory();
  const names = ['gone', 'again', 'other'].map((name) => join(directory, name));
  const servers = names.map((name) => createServer().listen(name));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const keys = names.map((name) => `unix:${name}`);
  const remove = noteDroppedPaths([...keys, 'tcp:*:80', `unix:${directory}/missing`], (key) => key === keys[1]);
  // Somebody else's socket by then.
  linkSync(names[0] as string, join(directory, 'kept'));
  servers[2]?.close();
  await once(servers[2] as (typeof servers)[number], 'close');
  const other = createServer().listen(names[2]);
  await once(other, 'listening');
  remove();
  expect(names.map((name) => statSync(name, { throwIfNoEntry: false })?.isSocket() ?? false)).toEqual([
    false,
    true,
    statSync(names[2] as string, { throwIfNoEntry: false }) !== undefined,
  ]);
  remove();
  for (const server of [...servers.slice(0, 2), other]) server.close();
});
