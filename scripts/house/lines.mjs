// Rules that look at one line at a time, or at the number of them.
import { readFileSync } from 'node:fs';
import path from 'node:path';

// Put together here so that this file does not contain what it looks for.
const LEAKS = [
  { text: ['..', 'shared'].join('/'), what: 'notes that are no part of the repository' },
  { text: ['', 'work', ''].join('/'), what: "one machine's path" },
];

/**
 * @param {{ file: string, text: string }[]} files
 * @param {number} max
 */
export function findLongFiles(files, max) {
  return files
    .map(({ file, text }) => ({ file, lines: text.replace(/\n$/, '').split('\n').length }))
    .filter(({ lines }) => lines > max)
    .map(({ file, lines }) => ({ file, line: max + 1, message: `has ${lines} lines; split it, the limit is ${max}` }));
}

/**
 * @typedef {object} Use
 * @property {string | string[] | RegExp} in
 * @property {string[]} [except] names directly in the package's src; a folder ends in "/"
 * @property {RegExp} pattern
 * @property {boolean} [strings]
 * @property {boolean} [escape]
 * @property {string} say
 */

/**
 * @param {import('./source.mjs').Source[]} sources
 * @param {Use[]} uses
 */
export function findUses(sources, uses) {
  const problems = [];
  for (const use of uses) {
    for (const source of sources) {
      if (!appliesTo(use, source.file)) continue;
      const original = source.text.split('\n');
      const lines = (use.strings ? source.codeWithStrings : source.code).split('\n');
      lines.forEach((text, index) => {
        const [found] = use.pattern.exec(text) ?? [];
        if (found === undefined || (use.escape && /\/\/ house: \S/.test(original[index]))) return;
        problems.push({ file: source.file, line: index + 1, message: `\`${found.trim()}\` ${use.say}` });
      });
    }
  }
  return problems;
}

function appliesTo(use, file) {
  const places = Array.isArray(use.in) ? use.in : [use.in];
  if (!places.some((place) => (place instanceof RegExp ? place.test(file) : file.startsWith(place)))) return false;
  const name = file.replace(/^.*?\/src\//, '');
  return !use.except?.some((free) => (free.endsWith('/') ? name.startsWith(free) : name === free));
}

/**
 * @param {string} root
 * @param {string[]} files every file of the checkout
 */
export function findLeaks(root, files) {
  const problems = [];
  for (const file of files) {
    const content = readFileSync(path.join(root, file));
    if (content.includes(0)) continue;
    content
      .toString('utf8')
      .split('\n')
      .forEach((text, index) => {
        const leak = LEAKS.find((candidate) => text.includes(candidate.text));
        if (leak) problems.push({ file, line: index + 1, message: `mentions "${leak.text}", ${leak.what}; remove it` });
      });
  }
  return problems;
}
