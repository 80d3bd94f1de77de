import { expect, test } from 'vitest';
import { type Bar, drawBars } from '../src/report/bars.js';

function draw(...bars: Bar[]): string {
  return drawBars([{ title: 'Failed', bars }]);
}

const lengths = (svg: string): number[] =>
  [...svg.matchAll(/<rect class="bar[^>]*width="(\d+)"/g)].map(([, width]) => Number(width));

test('drawBars() says 0 where there is nothing, without a bar', () => {
  const svg = draw({ label: 'none', value: 0, isOurs: true });
  expect(svg).toMatch(/<text class="zero"[^>]*>0<\/text>/);
  expect(lengths(svg)).toEqual([]);
});

test('drawBars() has a logarithmic scale, on which little is seen as well', () => {
  const svg = draw(...[1, 10, 100, 1000].map((value) => ({ label: String(value), value, isOurs: false })));
  const [one = 0, ten = 0, hundred = 0, thousand = 0] = lengths(svg);
  expect(one).toBeGreaterThan(0);
  expect(hundred - ten).toBeCloseTo(thousand - hundred, -1);
  expect(thousand).toBeLessThan(820);
});

test('drawBars() writes text that XML can hold, and takes nothing from elsewhere', () => {
  const svg = draw({ label: '<a & "b">', value: 5, isOurs: false });
  expect(svg).toContain('&lt;a &amp; &quot;b&quot;>');
  expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|href/);
});
