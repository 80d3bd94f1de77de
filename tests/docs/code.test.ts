/** What the documentation shows is code that works. */

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cleanEnvironment } from '@bye/testkit';
import { expect, test } from 'vitest';
import { DURATIONS } from '../../packages/bye-core/src/options/options.js';
import { BlockDirectory, parseScript, typeCheck } from './code.js';
import { type Block, blocksOf, readPage, readPages } from './pages.js';

const LANGUAGES = ['', 'dockerfile', 'ini', 'js', 'json', 'mermaid', 'sh', 'ts', 'yaml'];
const MOST_EXEMPT = 2;

const blocks = readPages().flatMap(blocksOf);
const inLanguage = (language: string) => blocks.filter((block) => block.language === language);
const isChecked = ({ remark }: Block) => remark !== 'not run';

test('code blocks name a language that is checked here, and hardly one is exempt', () => {
  expect(blocks.filter(({ language }) => !LANGUAGES.includes(language))).toEqual([]);
  expect(blocks.filter((block) => !isChecked(block)).length).toBeLessThanOrEqual(MOST_EXEMPT);
  expect(inLanguage('ts').length).toBeGreaterThan(10);
});

test('ts blocks have no type error', () => {
  expect(typeCheck(inLanguage('ts').filter(isChecked))).toEqual([]);
});

test('js blocks parse', () => {
  expect(inLanguage('js').filter(isChecked).flatMap(parseScript)).toEqual([]);
});

test('json blocks parse', () => {
  for (const { code } of inLanguage('json').filter(isChecked)) JSON.parse(code);
});

test('sh blocks parse', () => {
  for (const { file, line, code } of inLanguage('sh')) {
    // Placeholders such as <pid> are no redirections.
    const { stderr } = spawnSync('sh', ['-n'], { input: code.replace(/<(\w+)>/g, '$1'), encoding: 'utf8' });
    expect(stderr, `${file}:${line}`).toBe('');
  }
});

test('yaml blocks parse, and leave bye the time that it takes', async (context) => {
  const require = createRequire(import.meta.url);
  const load = loadYamlParser(require);
  if (load === undefined) return context.skip('js-yaml is not there');
  const [manifest, compose] = blocksOf(readPage('docs/kubernetes.md'))
    .filter(({ language }) => language === 'yaml')
    .map(({ code }) => load(code));
  const needed = (DURATIONS.shutdownTimeoutMs + 2000) / 1000;
  const probe = (path: string) => ({ httpGet: { path, port: 8080 } });
  const container = {
    startupProbe: probe('/livez'),
    livenessProbe: probe('/livez'),
    readinessProbe: probe('/readyz'),
  };
  expect(manifest).toMatchObject({
    spec: { template: { spec: { terminationGracePeriodSeconds: expect.toSatisfy((seconds) => seconds >= needed) } } },
  });
  expect(manifest).toMatchObject({ spec: { template: { spec: { containers: [container] } } } });
  expect(compose).toMatchObject({
    services: { app: { stop_grace_period: expect.toSatisfy((text) => Number.parseInt(text, 10) >= needed) } },
  });
  for (const { code } of inLanguage('yaml')) expect(load(code)).toBeTypeOf('object');
});

function loadYamlParser(require: NodeJS.Require): ((text: string) => unknown) | undefined {
  try {
    return (require('js-yaml') as { load(text: string): unknown }).load;
  } catch {
    return undefined;
  }
}

test('every recipe of docs/testing.md passes under `node --test`', () => {
  using directory = new BlockDirectory('recipes');
  const recipes = blocksOf(readPage('docs/testing.md')).filter(({ language }) => language === 'js');
  const files = recipes.map((block) => directory.write(block, '.test.mjs'));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', ...files], {
    cwd: directory.dir,
    env: cleanEnvironment(),
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
  const written = recipes.reduce((count, { code }) => count + [...code.matchAll(/^test\(/gm)].length, 0);
  expect(written).toBeGreaterThan(recipes.length);
  expect(/^# pass (\d+)$/m.exec(stdout)?.[1]).toBe(String(written));
});
