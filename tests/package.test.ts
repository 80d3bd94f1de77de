import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const attw = path.join(root, 'node_modules/.bin/attw');
const adapters = { 'fastify-bye': 'fastifyBye', 'express-bye': 'expressBye', 'koa-bye': 'koaBye' };

describe.each(['bye-core', ...Object.keys(adapters)])('package %s', (name) => {
  const packageDir = path.join(root, 'packages', name);
  let scratchDir: string;
  let tarball: string;

  beforeAll(async () => {
    scratchDir = await mkdtemp(path.join(tmpdir(), 'bye-pack-'));
    await run('npm', ['pack', '--silent', '--pack-destination', scratchDir], { cwd: packageDir });
    tarball = path.join(scratchDir, `${name}-${require(`${name}/package.json`).version}.tgz`);
  });

  afterAll(() => rm(scratchDir, { recursive: true }));

  test('passes publint', async () => {
    const content = new Uint8Array(await readFile(tarball));
    const { messages, pkg } = await publint({ pack: { tarball: content.buffer }, level: 'warning' });
    expect(messages.map((message) => formatMessage(message, pkg ?? {}, { color: false }))).toEqual([]);
  });

  test('has types that agree with its code for CommonJS and ES modules', async () => {
    const checked = await run(attw, [tarball, '--profile', 'node16', '--format', 'ascii', '--no-color']).catch(
      (error) => error,
    );
    expect(checked.code ?? 0, `${checked.stdout}${checked.stderr}`).toBe(0);
    // attw is content with a package that has no types at all.
    expect(checked.stdout).not.toContain('does not contain types');
  });

  test('ships its licenses and build, and no sources', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball]);
    const files = stdout
      .trim()
      .split('\n')
      .map((file) => file.slice('package/'.length));
    expect(files).toEqual(expect.arrayContaining(['LICENSE-APACHE', 'LICENSE-MIT', 'dist/index.js', 'dist/index.mjs']));
    expect(files.filter((file) => /^(?:src|test)\//.test(file))).toEqual([]);
  });

  test('exports the same things to require() and import', async () => {
    const required = require(name);
    const { default: fallback, ...imported } = await import(name);
    const named = Object.keys(required).filter((key) => key !== 'default');
    expect(Object.keys(imported).sort()).toEqual(named.sort());
    for (const key of named) expect(imported[key]).toBe(required[key]);
    expect(fallback).toBe(name === 'bye-core' ? undefined : required);
  });
});

test('bye-core has the command bye, which runs from a packed install', async () => {
  const scratchDir = await mkdtemp(path.join(tmpdir(), 'bye-install-'));
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', scratchDir], {
      cwd: path.join(root, 'packages/bye-core'),
    });
    const { version, dependencies, bin } = require('bye-core/package.json');
    const installed = path.join(scratchDir, 'node_modules');
    await run('tar', ['-xzf', `bye-core-${version}.tgz`], { cwd: scratchDir });
    await mkdir(path.join(installed, '.bin'), { recursive: true });
    // As npm does, without the registry: it links and makes executable what `bin` names.
    await rename(path.join(scratchDir, 'package'), path.join(installed, 'bye-core'));
    for (const name of Object.keys(dependencies)) {
      await symlink(path.dirname(require.resolve(`${name}/package.json`)), path.join(installed, name));
    }
    const file = path.join(installed, 'bye-core', bin.bye);
    expect((await stat(file)).mode & 0o111).toBe(0o111);
    const command = path.join(installed, '.bin/bye');
    await symlink(path.relative(path.dirname(command), file), command);
    expect(await run(command, ['--version'])).toEqual({ stdout: `${version}\n`, stderr: '' });
  } finally {
    await rm(scratchDir, { recursive: true });
  }
});

test.each(Object.entries(adapters))('require("%s") is its plugin function, also as .default and .%s', (name, named) => {
  const plugin = require(name);
  expect(plugin).toBeTypeOf('function');
  expect(plugin.default).toBe(plugin);
  expect(plugin[named]).toBe(plugin);
});
