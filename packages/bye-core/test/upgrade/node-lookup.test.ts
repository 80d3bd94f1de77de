import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findExecutable } from '../../src/upgrade/find-executable.js';
import { point, root, start, startNext, useReleases } from './releases.js';

useReleases();

/** A Node that tells itself apart from the one that runs the tests. */
function makeOtherNode(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'node');
  writeFileSync(file, `#!/bin/sh\nOTHER_NODE=yes exec '${process.execPath}' "$@"\n`);
  chmodSync(file, 0o755);
}

test.each([
  ['an absolute path through a link', (lab: string) => join(lab, 'node-current/node'), {}],
  ['a path relative to the directory', () => './node-current/node', {}],
  ['PATH, through a link in it', () => 'node', { viaPath: true }],
])('Node is looked up again: %s', async (_title, name, { viaPath = false }: { viaPath?: boolean }) => {
  mkdirSync(join(root, 'nodes/20'), { recursive: true });
  symlinkSync(process.execPath, join(root, 'nodes/20/node'));
  makeOtherNode(join(root, 'nodes/22'));
  point('node-current', 'nodes/20');
  const PATH = viaPath ? `${join(root, 'node-current')}:/usr/bin:/bin` : '/usr/bin:/bin';
  const first = await start(['current/app.js'], { node: name(root), cwd: root, env: { PWD: root, PATH } });
  expect((await first.next()).execPath).toBe(join(root, 'node-current/node'));
  point('node-current', 'nodes/22');
  const second = await startNext(await first.next());
  expect(second.told.env).toMatchObject({ OTHER_NODE: 'yes' });
});

test('a Node of a bare name is looked up in PATH in every generation', async () => {
  symlinkSync(process.execPath, join(root, 'node'));
  const PATH = `${join(root, 'later')}:${root}`;
  const first = await start(['current/app.js'], { node: 'node', cwd: root, env: { PWD: root, PATH } });
  const second = await startNext(await first.next());
  expect((await second.next()).execPath).toBe(join(root, 'node'));
  makeOtherNode(join(root, 'later'));
  expect((await second.next()).execPath).toBe(join(root, 'later/node'));
});

test('findExecutable() counts entries of PATH from the directory', () => {
  makeOtherNode(join(root, 'bin'));
  expect(findExecutable('node', 'nowhere:bin', root)).toBe(join(root, 'bin/node'));
  expect(findExecutable('node', '', join(root, 'bin'))).toBe(join(root, 'bin/node'));
  expect(findExecutable('bin', root, '/')).toBeUndefined();
});

test('a name that leads to another Node than the one that runs is not believed', async () => {
  makeOtherNode(join(root, 'other'));
  const first = await start(['current/app.js'], { argv0: 'node', cwd: root, env: { PATH: join(root, 'other') } });
  expect((await first.next()).execPath).toBe(realpathSync(process.execPath));
});
