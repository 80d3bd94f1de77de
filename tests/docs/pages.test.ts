/** The pages hold together: links, names of files, lengths, and nothing of one machine. */

import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, codesIn, filesBelow, headingsOf, linksOf, ROOT, readPage, readPages } from './pages.js';

const pages = readPages();
const elsewhere = [...filesBelow('.github', /\.md$/), ...filesBelow('examples', /^README\.md$/), 'bench/README.md'].map(
  readPage,
);

test('links lead to files and headings that exist', () => {
  const dead = [...pages, ...elsewhere].flatMap((page) => linksOf(page).flatMap((link) => checkLink(page.file, link)));
  expect(dead).toEqual([]);
  expect(pages.flatMap(linksOf).length).toBeGreaterThan(30);
});

function checkLink(from: string, link: string): string[] {
  if (/^https:\/\//.test(link)) return [];
  const [path = '', anchor] = link.split('#');
  const file = path === '' ? from : normalize(join(dirname(from), path));
  if (!existsSync(join(ROOT, file))) return [`${from}: ${link}`];
  if (anchor === undefined || anchorsOf(readPage(file)).includes(anchor)) return [];
  return [`${from}: ${link}`];
}

test('the README has at most 150 lines, the lists of errors and traps 300, every other page 200', () => {
  const long = pages.filter(({ file, text }) => {
    const most = { 'README.md': 150, 'docs/errors.md': 300, 'docs/internals/traps.md': 300 }[file] ?? 200;
    return text.replace(/\n$/, '').split('\n').length > most;
  });
  expect(long.map(({ file }) => file)).toEqual([]);
});

test('pages have no emoji, nothing of one machine, and no half of a merge', () => {
  const machine = ['tmp', 'home', 'root', 'work', 'Users'].map((name) => `/${name}/`);
  for (const { file, text } of pages) {
    expect(text, file).not.toMatch(/\p{Extended_Pictographic}/u);
    expect(text, file).not.toMatch(/^(?:<{7}|>{7}|={7})(?: |$)/m);
    expect(
      machine.filter((path) => text.includes(path)),
      file,
    ).toEqual([]);
  }
});

test('every page of docs is linked from another', () => {
  const linked = pages.flatMap(({ file, text }) =>
    linksOf({ file, text }).map((link) => normalize(join(dirname(file), link.split('#')[0] ?? ''))),
  );
  const lost = pages.filter(({ file }) => file.startsWith('docs/') && !linked.includes(file));
  expect(lost.filter(({ file }) => !(dirname(file) === 'docs/internals' && linked.includes('docs/internals')))).toEqual(
    [],
  );
});

test('docs/internals name only files that exist', () => {
  const named = pages
    .filter(({ file }) => file.startsWith('docs/internals/'))
    .flatMap(({ text }) => codesIn(text))
    .filter((code) => /^[\w./-]+\.m?ts$/.test(code) && code.includes('/'));
  const missing = named.filter(
    (file) => !existsSync(join(ROOT, file)) && !existsSync(join(ROOT, 'packages/bye-core/src', file)),
  );
  expect([...new Set(missing)]).toEqual([]);
  expect(named.length).toBeGreaterThan(50);
});

test("the packages' pages are twins", () => {
  const [first, ...others] = pages.filter(({ file }) => file.startsWith('packages/'));
  const expected = headingsOf(first as never).slice(1);
  expect(expected).toEqual(['Install', 'Use', 'Options', 'What it does', 'Limits', 'More']);
  for (const page of others) expect(headingsOf(page).slice(1), page.file).toEqual(expected);
  for (const page of [first as never, ...others]) {
    expect(`packages/${headingsOf(page)[0]}/README.md`).toBe(page.file);
  }
});
