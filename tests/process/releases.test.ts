import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type App, cleanEnvironment, startApp } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { stop, upgrade } from '../listeners.js';
import { copyCore, Releases } from '../releases.js';

const test = anyTest.skipIf(process.platform !== 'linux');
const OURS = /^(BYE_(?!TEST_ID)|UPGRADE_FD|LISTEN_|NODE_CHANNEL)/;

let releases: Releases;
beforeEach(() => {
  releases = new Releases();
});
afterEach(() => releases[Symbol.dispose]());

/** What the app says of itself. */
interface Said {
  pid: number;
  release: string;
  execPath: string;
  argv: string[];
  execArgv: string[];
  env: Record<string, string>;
  childNames: string[];
  cwd: string;
}

/** Starts as a person does, by a line for a shell. */
function startInShell(line: string, env: Readonly<Record<string, string | undefined>> = {}): App {
  const { PATH } = cleanEnvironment();
  return startApp(['-c', line], { execPath: 'sh', cwd: releases.dir, env: { PATH, ...env } });
}

async function ask(app: App): Promise<Said> {
  const answer = await fetch(`http://127.0.0.1:${app.current().port}/`, { headers: { connection: 'close' } });
  return (await answer.json()) as Said;
}

test.each([
  ['by `cd current`, with --env-file', 'cd current && exec node --env-file=.env app.mjs'],
  ['by `cd current`, with dotenv', 'cd current && exec node app.mjs'],
  ['by its path through the link, with dotenv', 'cd current && exec node "$DIR/current/app.mjs"'],
])('an app started %s upgrades to the release that the link leads to, with its values', async (_, line) => {
  releases.deploy('41', { '.env': 'COLOUR=blue\nOLD=yes\n' });
  await using app = startInShell(line, { DIR: releases.dir });
  await app.waitForGeneration(0);
  expect(await ask(app)).toMatchObject({ release: '41', env: { COLOUR: 'blue', OLD: 'yes' } });

  releases.deploy('42', { '.env': 'COLOUR=green\nNEW=yes\n' });
  await upgrade(app);
  const second = await ask(app);
  expect(second).toMatchObject({
    release: '42',
    env: { COLOUR: 'green', NEW: 'yes' },
    cwd: releases.path('releases/42'),
  });
  expect(second.env).not.toHaveProperty('OLD');

  // Deploy tools keep a few releases only.
  releases.remove('41');
  releases.deploy('43', { '.env': 'COLOUR=red\n' });
  releases.remove('42');
  await upgrade(app);
  expect(await ask(app)).toMatchObject({ release: '43', env: { COLOUR: 'red' } });
  await stop(app);
});

test('a new process starts threads though the release it was started from is gone', async () => {
  copyCore(releases.deploy('41'));
  await using app = startInShell('exec node current/app.mjs');
  await app.waitForGeneration(0);
  copyCore(releases.deploy('42'));
  const { port } = await upgrade(app);
  releases.remove('41');
  expect(await (await fetch(`http://127.0.0.1:${port}/thread`)).text()).toBe('answered');
});

test('the next process runs on the Node that the link leads to by then', async () => {
  releases.deploy('41');
  // A second version if the tests have fetched one, else a copy: another file is what counts.
  for (const name of ['one', 'two']) mkdirSync(releases.path('node', name), { recursive: true });
  const [one, two] = [releases.path('node/one/node'), releases.path('node/two/node')];
  copyNode(process.execPath, one);
  copyNode(otherNode() ?? process.execPath, two);
  releases.link('node/current', 'one');
  for (const line of ['exec "$DIR/node/current/node" current/app.mjs', 'exec node current/app.mjs']) {
    releases.link('node/current', 'one');
    const PATH = `${releases.path('node/current')}:${cleanEnvironment()['PATH']}`;
    await using app = startInShell(line, { DIR: releases.dir, PATH });
    await app.waitForGeneration(0);
    expect((await ask(app)).execPath).toBe(one);
    releases.link('node/current', 'two');
    await upgrade(app);
    expect((await ask(app)).execPath).toBe(two);
    await stop(app);
  }
});

test.each(['an object', 'a function'])(
  '`successor` as %s says what runs next, each version for itself',
  async (how) => {
    const successor = { args: ['--blue'], env: { COLOUR: 'blue', HOME: null } };
    releases.deploy('41', { 'successor.json': JSON.stringify({ successor, asFunction: how === 'a function' }) });
    await using app = startInShell('exec node current/app.mjs --first', { HOME: '/first' });
    await app.waitForGeneration(0);
    expect((await ask(app)).argv.slice(2)).toEqual(['--first']);

    releases.deploy('42');
    await upgrade(app);
    const second = await ask(app);
    expect(second).toMatchObject({ release: '42', env: { COLOUR: 'blue' } });
    expect(second.argv.slice(2)).toEqual(['--blue']);
    expect(second.env).not.toHaveProperty('HOME');

    await upgrade(app);
    const third = await ask(app);
    expect(third.env).toMatchObject({ HOME: '/first' });
    expect(third.env).not.toHaveProperty('COLOUR');
    expect(third.argv.slice(2)).toEqual(['--blue']);
  },
);

test('a new process sees the arguments of the first, and nothing of ours reaches its children', async () => {
  releases.deploy('41');
  await using app = startApp(
    ['--no-warnings', '--title=app', '--inspect-port=0', releases.path('releases/41/app.mjs'), '--port', 'x y'],
    { cwd: releases.dir, env: { BYE_MIN_READY_MS: undefined } },
  );
  await app.waitForGeneration(0);
  const { argv, execArgv, env } = await ask(app);
  for (let generation = 1; generation <= 3; generation++) {
    await upgrade(app);
    const said = await ask(app);
    expect(said.argv).toEqual(argv);
    expect(said.execArgv).toEqual(execArgv.filter((option) => option !== '--inspect-port=0'));
    expect({ ...said.env, PWD: '' }).toEqual({ ...env, PWD: '' });
    expect(said.childNames.filter((name) => OURS.test(name))).toEqual([]);
    expect(said.childNames).toContain('PATH');
  }
});

function copyNode(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to); // another file system
  }
}

function otherNode(): string | undefined {
  const cache = fileURLToPath(new URL('../../node_modules/.cache/bye', import.meta.url));
  const names = existsSync(cache) ? readdirSync(cache) : [];
  return names
    .filter((name) => /^node-\d+$/.test(name) && name !== `node-${process.versions.node.split('.')[0]}`)
    .map((name) => `${cache}/${name}/bin/node`)
    .find((file) => existsSync(file));
}
