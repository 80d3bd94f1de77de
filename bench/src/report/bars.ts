/** Owns the plot: horizontal bars on a logarithmic scale, as an SVG that reads on white and on dark pages. */

export interface Bar {
  readonly label: string;
  /** 0 gets no bar, but says so. */
  readonly value: number;
  readonly isOurs: boolean;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 820;
const LEFT = 230;
const RIGHT = 70;
const ROW = 22;
const BAR = 14;
const HEAD = 34;
const FOOT = 30;
const MARGIN = 12;

/** It brings its own background, so that it reads wherever it stands. */
const STYLE = `
  .card { fill: #ffffff; stroke: #d0d7de }
  text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 14px; font-weight: 600 }
  .tick { fill: #59636e; font-size: 11px }
  .ours, .zero { font-weight: 600 }
  line { stroke: #d0d7de }
  .bar { fill: #d1604d }
  .bar.ours { fill: #1a7f37 }
  .zero { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d }
    text { fill: #f0f6fc }
    .tick { fill: #9198a1 }
    line { stroke: #3d444d }
    .bar { fill: #e5735f }
    .bar.ours, .zero { fill: #3fb950 }
  }`;

export function drawBars(panels: readonly Panel[]): string {
  const parts: string[] = [];
  let top = MARGIN;
  for (const panel of panels) {
    parts.push(drawPanel(panel, top));
    top += heightOf(panel);
  }
  const height = top + MARGIN;
  const label = panels.map(({ title }) => title).join('; ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeText(label)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function heightOf({ bars }: Panel): number {
  return HEAD + bars.length * ROW + FOOT;
}

function drawPanel({ title, bars }: Panel, top: number): string {
  const decades = decadesOf(bars);
  const bottom = top + HEAD + bars.length * ROW;
  const lines = [`<text class="title" x="${MARGIN}" y="${top + 18}">${escapeText(title)}</text>`];
  for (let decade = 0; decade <= decades; decade++) {
    const x = LEFT + (decade / decades) * (WIDTH - LEFT - RIGHT);
    lines.push(`<line x1="${x}" y1="${top + HEAD - 4}" x2="${x}" y2="${bottom}"/>`);
    lines.push(`<text class="tick" x="${x}" y="${bottom + 14}" text-anchor="middle">${format(10 ** decade)}</text>`);
  }
  bars.forEach((bar, index) => {
    lines.push(...drawBar(bar, top + HEAD + index * ROW, decades));
  });
  return lines.join('\n');
}

function drawBar({ label, value, isOurs }: Bar, top: number, decades: number): string[] {
  const middle = top + BAR / 2 + 4;
  const ours = isOurs ? ' ours' : '';
  const name = `<text class="label${ours}" x="${LEFT - 10}" y="${middle}" text-anchor="end">${escapeText(label)}</text>`;
  if (value === 0) return [name, `<text class="zero" x="${LEFT + 6}" y="${middle}">0</text>`];
  const length = barLength(value, decades);
  return [
    name,
    `<rect class="bar${ours}" x="${LEFT}" y="${top}" width="${length}" height="${BAR}" rx="2"/>`,
    `<text x="${LEFT + length + 6}" y="${middle}">${format(value)}</text>`,
  ];
}

/** 1 is the start of the axis; a little more than nothing has to be seen beside 0. */
function barLength(value: number, decades: number): number {
  const share = Math.log10(Math.max(value, 1)) / decades;
  return Math.max(4, Math.round(share * (WIDTH - LEFT - RIGHT)));
}

function decadesOf(bars: readonly Bar[]): number {
  const most = Math.max(10, ...bars.map(({ value }) => value));
  return Math.ceil(Math.log10(most));
}

function format(value: number): string {
  return value.toLocaleString('en-US');
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
