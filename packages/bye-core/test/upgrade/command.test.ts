import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Answer, appOf, point, root, start, startNext, useReleases } from './releases.js';

useReleases();

/** Each way to start the app so that `current` shows in it somewhere, and what is asked for next. */
const WAYS: readonly [title: string, args: string[], start: { cwd: string; PWD?: string }, script: string][] = [
  ['cd current && node app.js', ['app.js', 'a b'], { cwd: 'current', PWD: 'current' }, 'current/app.js'],
  ['cd current && node ./dist/app.js', ['./dist/app.js'], { cwd: 'current', PWD: 'current' }, 'current/dist/app.js'],
  ['cd current/dist && node ../app.js', ['../app.js'], { cwd: 'current/dist', PWD: 'current/dist' }, 'current/app.js'],
  ['cd current && node .', ['.'], { cwd: 'current', PWD: 'current' }, 'current'],
  ['cd current && node app', ['app'], { cwd: 'current', PWD: 'current' }, 'current/app'],
  ['cd current && node -- app.js', ['--', 'app.js'], { cwd: 'current', PWD: 'current' }, 'current/app.js'],
  ['node current/app.js', ['current/app.js'], { cwd: '', PWD: '' }, 'current/app.js'],
  ['node /…/current/app.js', ['/current/app.js'], { cwd: '', PWD: '' }, 'current/app.js'],
  ['systemd, WorkingDirectory=current', ['/current/dist/app.js'], { cwd: 'current' }, 'current/dist/app.js'],
  ['systemd, WorkingDirectory=current/dist', ['/current/app.js'], { cwd: 'current/dist' }, 'current/app.js'],
];

test.each(WAYS)(
  '`%s` leads to the release that current points to at the upgrade',
  async (_title, args, way, script) => {
    const env = way.PWD === undefined ? {} : { PWD: join(root, way.PWD) };
    const given = args.map((arg) => (arg.startsWith('/') ? root + arg : arg));
    const first = await start(given, { cwd: join(root, way.cwd), env });
    expect(first.told.release).toBe(41);

    point('current', 'releases/42');
    const command = await first.next();
    expect(command).toMatchObject({ script: join(root, script), cwd: join(root, way.cwd), execArgv: [] });
    const second = await startNext(command);
    expect(second.told).toMatchObject({ release: 42, args: first.told.args, env: { PWD: join(root, way.cwd) } });

    point('current', 'releases/41');
    const third = await startNext(await second.next());
    expect(third.told.release).toBe(41);
  },
);

test('a bin that is a link to the script stays a link', async () => {
  mkdirSync(join(root, 'bin'));
  symlinkSync('../current/app.js', join(root, 'bin/service'));
  const first = await start([], { node: join(root, 'bin/service'), cwd: '/', env: { PWD: '/' } });
  point('current', 'releases/42');
  const command = await first.next();
  expect(command).toMatchObject({ script: join(root, 'bin/service'), cwd: '/', argv0: 'node' });
  expect((await startNext(command)).told.release).toBe(42);
});

test('a PWD that names another directory is not believed', async () => {
  const first = await start(['app.js'], { cwd: join(root, 'releases/41'), env: { PWD: join(root, 'releases/42') } });
  const directory = join(root, 'releases/41');
  expect(await first.next()).toMatchObject({ cwd: directory, script: join(directory, 'app.js') });
});

test('a process that changed its title or its directory before it was asked still follows the link', async () => {
  const PWD = join(root, 'current');
  const titled = await start(['app.js'], { cwd: PWD, env: { PWD, TEST_BEFORE: "process.title = 'app'" } });
  expect(await titled.next()).toMatchObject({ script: join(root, 'current/app.js'), cwd: PWD });
  const moved = await start(['dist/app.js'], { cwd: PWD, env: { PWD, TEST_BEFORE: "process.chdir('/tmp')" } });
  expect(await moved.next()).toMatchObject({ script: join(root, 'current/dist/app.js'), cwd: PWD });
});

test('options that were taken out of process.execArgv do not hide the script', async () => {
  const PWD = join(root, 'current');
  const TEST_BEFORE = 'process.execArgv.splice(1, 2)';
  const first = await start(['--no-warnings', '-r', 'node:fs', 'app.js', 'x'], { cwd: PWD, env: { PWD, TEST_BEFORE } });
  const script = join(PWD, 'app.js');
  expect(await first.next()).toMatchObject({ script, cwd: PWD, execArgv: ['--no-warnings'], args: ['x'] });
});

test('arguments that were taken out of process.argv go along', async () => {
  const PWD = join(root, 'current');
  const TEST_BEFORE = 'process.argv.splice(2)';
  const args = ['start', '--port', '0', 'plugin.js'];
  const first = await start(['--no-warnings', 'app.js', ...args], { cwd: PWD, env: { PWD, TEST_BEFORE } });
  expect(await first.next()).toMatchObject({
    script: join(PWD, 'app.js'),
    cwd: PWD,
    execArgv: ['--no-warnings'],
    args,
  });
  // As the preload of an upgrade does.
  const both = `${TEST_BEFORE}; process.execArgv.splice(1, 2)`;
  const given = ['--no-warnings', '-r', 'node:fs', 'app.js', ...args];
  const second = await start(given, { cwd: PWD, env: { PWD, TEST_BEFORE: both } });
  expect(await second.next()).toMatchObject({ script: join(PWD, 'app.js'), execArgv: ['--no-warnings'], args });
});

test('a release that was named by its own path stays, though the directory is a link to it', async () => {
  const PWD = join(root, 'current');
  const script = join(root, 'releases/41/app.js');
  const first = await start([script], { cwd: PWD, env: { PWD } });
  expect(await first.next()).toMatchObject({ script, cwd: PWD });
  const TEST_BEFORE = 'process.execArgv.splice(0, 2)';
  const second = await start(['-r', 'node:fs', script], { cwd: PWD, env: { PWD, TEST_BEFORE } });
  expect(await second.next()).toMatchObject({ script, cwd: PWD, execArgv: [] });
});

test('a debugger and a profiler stay behind, other options and arguments go along', async () => {
  const PWD = join(root, 'current');
  const first = await start(['--no-warnings', '--inspect-port', '0', '-r', 'node:fs', 'app.js', '--inspect', 'x'], {
    cwd: PWD,
    env: { PWD, NODE_OPTIONS: '--inspect-port 0 --no-deprecation' },
  });
  expect(await first.next()).toMatchObject({
    execArgv: ['--no-warnings', '-r', 'node:fs'],
    args: ['--inspect', 'x'],
    script: join(root, 'current/app.js'),
    env: { NODE_OPTIONS: '--no-deprecation' },
  });
});

test('the environment is that of the first process, and an override lasts for one generation', async () => {
  const first = await start([join(root, 'current/app.js')], {
    cwd: root,
    env: { KEPT: 'a', SHADOWED: 'b', GONE: 'c' },
  });
  const command = await first.next({ env: { SHADOWED: 'B', ADDED: 'D' } });
  expect(command.env['FROM_ENV_FILE']).toBeUndefined();
  const removal: Answer = await first.next({ env: { GONE: undefined } });
  expect(removal.env).toMatchObject({ GONE: 'c' });

  const second = await startNext(command);
  expect(second.told.env).toMatchObject({ KEPT: 'a', SHADOWED: 'B', ADDED: 'D', PWD: root });
  expect(second.told.env).not.toHaveProperty('BYE_FIRST_ENVIRONMENT');
  const { env } = await second.next();
  expect(env).toMatchObject({ KEPT: 'a', SHADOWED: 'b', GONE: 'c' });
  expect(env).not.toHaveProperty('ADDED');
  expect(env).not.toHaveProperty('BYE_FIRST_ENVIRONMENT');
});

test('every part can be named by the application', async () => {
  const first = await start(['app.js'], { cwd: join(root, 'current'), env: { PWD: join(root, 'current') } });
  const override = { cwd: '../releases/42', script: 'dist/app.js', args: ['x'], execArgv: ['--inspect=0'] };
  const directory = join(root, 'releases/42');
  expect(await first.next(override)).toMatchObject({
    cwd: directory,
    env: { PWD: directory },
    script: join(directory, 'dist/app.js'),
    args: ['x'],
    execArgv: ['--inspect=0'],
  });
  expect((await first.next({ execPath: process.execPath })).argv0).toBe(process.execPath);
});

test('what is not there any more is named', async () => {
  const PWD = join(root, 'current');
  const first = await start(['app.js'], { cwd: PWD, env: { PWD } });
  expect(await first.next({ execPath: 'no-such-node' })).toMatchObject({ data: { file: 'no-such-node' } });
  expect(await first.next({ execPath: join(root, 'node') })).toMatchObject({ data: { file: join(root, 'node') } });
  rmSync(join(root, 'releases/41/app.js'));
  const noScript = await first.next();
  expect(noScript).toMatchObject({ code: 'ERR_BYE_UPGRADE_SPAWN', data: { file: join(PWD, 'app.js') } });
  expect(noScript.message).toContain(join(PWD, 'app.js'));
  rmSync(PWD);
  expect(await first.next()).toMatchObject({ code: 'ERR_BYE_UPGRADE_SPAWN', data: { file: PWD } });
});

test('a process without a script says what to set', async () => {
  const first = await start(['-e', appOf(0).replace(/^#!.*/, ''), 'argument'], { cwd: root });
  expect(await first.next()).toMatchObject({
    code: 'ERR_BYE_UPGRADE_UNAVAILABLE',
    message: expect.stringContaining('successor.script'),
  });
  const script = join(root, 'current/app.js');
  expect(await first.next({ script, execArgv: [] })).toMatchObject({ script, cwd: root });
});
