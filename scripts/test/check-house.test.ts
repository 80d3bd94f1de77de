import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { checkTree } from '../check-house.mjs';

const roots: string[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** Checks a throw-away tree; names without a folder are files of bye-core. */
function check(files: Record<string, string>): string[] {
  const root = mkdtempSync(path.join(tmpdir(), 'house-'));
  roots.push(root);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return checkTree(root).map(({ file, line, message }) => `${file}:${line} ${message}`);
}

const core = (name: string) => `packages/bye-core/src/${name}`;
const lines = (count: number) => 'void 0;\n'.repeat(count);

test('checkTree() accepts a tree that keeps the rules', () => {
  const found = check({
    [core('index.ts')]: "export { Bye } from './api/bye.js';\n",
    [core('api/bye.ts')]:
      "import { tcp } from '../listeners/tcp';\nimport type { A } from '../types';\nexport class Bye {}\n",
    [core('listeners/tcp.ts')]: "import { key } from './key';\nimport { now } from '../host';\nexport const tcp = 1;\n",
    [core('listeners/key.ts')]: 'export const key = 1;\n',
    [core('host.ts')]:
      "import type { A } from './types';\nexport const now = () => Date.now();\nprocess.once('SIGTERM', () => process.exit());\n",
    [core('types.ts')]: 'export interface A {}\n',
    [core('env.ts')]: 'export const env = process.env;\n',
    [core('internals.ts')]: 'export const handle = (x) => x._handle;\n',
    [core('channel/wire.ts')]: 'process.send({});\n',
    [core('tasks.ts')]: "server.setTimeout(0); setImmediate(f); process.nextTick(f); process.on('exit', f);\n",
    'packages/koa-bye/src/index.ts': 'export default function koaBye() {}\n',
    'scripts/any.mjs':
      "import { spawn } from 'node:child_process';\nconsole.log(process.env.X); setTimeout(f); process.exit(1);\n",
    'tests/long-enough.test.ts': lines(250),
  });
  expect(found).toEqual([]);
});

test('checkTree() looks at code, not at comments and strings', () => {
  const found = check({
    [core('tasks.ts')]:
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source that is checked
      "// process.exit() console.log()\n/** setTimeout */\nexport const a = 'process.env' + `Date.now ${1} socket._handle`;\nexport const b = /console.log/;\n",
  });
  expect(found).toEqual([]);
});

test('checkTree() also sees code inside a template', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source that is checked
  expect(check({ [core('tasks.ts')]: 'export const a = `${process.env}`;\n' })).toHaveLength(1);
});

test.each([
  'packages/bye-core/src/tasks.ts',
  'testkit/src/a.ts',
  'scripts/a.mjs',
  'examples/demo/src/a.ts',
  'tests/a.test.ts',
])('checkTree() refuses 251 lines in %s', (file) => {
  expect(check({ [file]: lines(251) })).toEqual([`${file}:251 has 251 lines; split it, the limit is 250`]);
  expect(check({ [file]: lines(250) })).toEqual([]);
});

test.each([
  [
    'tasks.ts',
    './listeners/tcp',
    'listeners/tcp.ts',
    '"tasks.ts" (mechanisms) imports "listeners/" (capabilities) above it',
  ],
  ['host.ts', './tasks', 'tasks.ts', '"host.ts" (ground) imports "tasks.ts" (mechanisms) above it'],
  ['drain/http1.ts', '../listeners/tcp.js', 'listeners/tcp.ts', '"drain/" imports "listeners/" on its own floor'],
  [
    'upgrade/new.ts',
    '../shutdown',
    'shutdown.ts',
    '"upgrade/" (capabilities) imports "shutdown.ts" (composition) above it',
  ],
  ['shutdown.ts', './api/bye', 'api/bye.ts', '"shutdown.ts" (composition) imports "api/" (entry) above it'],
])('checkTree() refuses that %s imports %s', (from, specifier, to, message) => {
  const found = check({ [core(from)]: `\nexport { a } from '${specifier}';\n`, [core(to)]: 'export const a = 1;\n' });
  expect(found).toEqual([expect.stringContaining(`${core(from)}:2 ${message}`)]);
});

test.each(['clever.ts', 'utils/deep/strings.ts'])('checkTree() refuses %s, which is on no floor', (name) => {
  expect(check({ [core(name)]: '' })).toEqual([expect.stringContaining('is on no floor; add it to the table')]);
});

test('checkTree() reports an import cycle, through type-only imports too', () => {
  const found = check({
    [core('drain/a.ts')]: "import './b';\n",
    [core('drain/b.ts')]: "import type { C } from './c';\n",
    [core('drain/c.ts')]: "export * from './a';\n",
    'testkit/src/x.ts': "await import('./y.js');\n",
    'testkit/src/y.ts': "import { x } from './x.js';\n",
  });
  expect(found).toEqual([
    expect.stringContaining('c.ts:1 closes an import cycle: drain/a.ts -> drain/b.ts -> drain/c.ts -> drain/a.ts'),
    expect.stringContaining('testkit/src/y.ts:1 closes an import cycle: x.ts -> y.ts -> x.ts'),
  ]);
});

test.each([
  'process.exit(1)',
  'process.kill(1, 0)',
  "process.on('SIGTERM', f)",
  'process.once(name, f)',
  "import { spawn } from 'node:child_process'",
  "import timers from 'node:timers/promises'",
  'const t = setTimeout(f, 1)',
  'globalThis.setInterval(f, 1)',
  'Date.now()',
  'performance.now()',
  'process.send(1)',
  'process.env.HOME',
  'const { env } = process',
  'socket._handle.fd',
  'server._pipeName',
  'socket._httpMessage',
  'server._connections',
  "process.binding('tcp_wrap')",
  'child._send(1)',
  'export default 1',
  'const a = 1; export { a as default }',
  'console.log(1)',
])('checkTree() refuses `%s` in bye-core', (code) => {
  expect(check({ [core('tasks.ts')]: `\n${code};\n` })).toEqual([expect.stringContaining(`${core('tasks.ts')}:2 `)]);
});

test.each([
  'process.pid',
  "import p from 'node:process'",
  'setTimeout(f, 1)',
  'setInterval(f, 1)',
  "stop('SIGTERM')",
  'console.log(1)',
])('checkTree() refuses `%s` in an adapter', (code) => {
  for (const adapter of ['fastify', 'express', 'koa']) {
    expect(check({ [`packages/${adapter}-bye/src/index.ts`]: `${code};\n` })).toHaveLength(1);
  }
});

test('checkTree() frees one line from the rule on internals, if it says why', () => {
  const code = (comment: string) => ({
    [core('tasks.ts')]: `export const a = (x) => x._handle; // house:${comment}\n`,
  });
  expect(check(code(' the self-test needs it'))).toEqual([]);
  expect(check(code(''))).toHaveLength(1);
});

test.each([['..', 'shared'].join('/'), ['', 'work', 'main'].join('/')])(
  'checkTree() refuses the text %s in any file',
  (text) => {
    expect(check({ 'docs/a.md': `fine\nsee ${text}/notes\n` })).toEqual([
      expect.stringContaining('docs/a.md:2 mentions'),
    ]);
  },
);
