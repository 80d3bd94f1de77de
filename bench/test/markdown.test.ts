import { expect, test } from 'vitest';
import { markdownTable, replaceBetween } from '../src/report/markdown.js';

test('markdownTable() has a head, a rule and rows', () => {
  expect(markdownTable(['a', 'b'], [['x', '1']])).toBe('| a | b |\n| --- | ---: |\n| x | 1 |');
});

test('replaceBetween() replaces what stands between the markers, again and again', () => {
  const page = 'before\n<!-- t -->\nold\n<!-- /t -->\nafter';
  const once = replaceBetween(page, 't', 'new');
  expect(once).toBe('before\n<!-- t -->\n\nnew\n\n<!-- /t -->\nafter');
  expect(replaceBetween(once, 't', 'new')).toBe(once);
  expect(() => replaceBetween('nothing', 't', 'new')).toThrow('no place for "t"');
});
