/** docs/frameworks.md says what the tests run, and what the warning says. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codesIn, ROOT, readPage, rowsOf, sectionOf } from './pages.js';
import { readSource } from './source.js';

const page = readPage('docs/frameworks.md');

test('docs/frameworks.md names the versions that the tests run', () => {
  const read = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { devDependencies: object };
  const installed = new Map(Object.entries(read.devDependencies).map(([name, range]) => [name, majorOf(range)]));
  const rows = rowsOf(page.text.split(/^## /m)[0] ?? '');
  const named = rows.flatMap(([names = '', versions = '']) =>
    codesIn(names).flatMap((name) => (installed.has(name) ? { name, versions: versions.split(', ') } : [])),
  );
  expect(named.map(({ name }) => name)).toEqual(['fastify', 'express', 'koa', '@nestjs/core', '@hono/node-server']);
  for (const { name, versions } of named) {
    const others = [...installed].flatMap(([other, major]) => (other.replace(/\d$/, '') === name ? major : []));
    expect([...versions].sort(), name).toEqual(others.sort());
  }
});

test('docs/frameworks.md has what the warning of other listeners advises', () => {
  const rows = rowsOf(sectionOf(page, 'Others who answer the same signals'));
  const source = readSource('other-listeners.ts');
  const advice = rows.flatMap(([, , cure = '']) => codesIn(cure));
  expect(advice.length).toBeGreaterThan(4);
  for (const cure of advice) expect(source).toContain(cure);
});

/** `npm:express@^4.22.3` is 4. */
function majorOf(range: string): string {
  return /(\d+)\.\d+\.\d+$/.exec(range)?.[1] ?? range;
}
