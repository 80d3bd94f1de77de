/** `npm run bench:overhead [-- options]`: what it costs a request that bye is attached, in CPU time. */
import { parseArgs } from 'node:util';
import { confidenceInterval, type Interval } from '../report/interval.js';
import { describeMachine, machineLine } from '../report/machine.js';
import { markdownTable, updatePage } from '../report/markdown.js';
import { PAGE, writeResult } from '../report/places.js';
import { median, round } from '../report/stats.js';
import { measurePair, type Pair } from './pairs.js';

const USAGE = `npm run bench:overhead [-- options]
  --pairs n     pairs of processes for each framework (default 24)
  --rounds n    rounds of 4,000 requests for each pair (default 20)
  --only list   some of http,fastify,express,koa; nothing is written`;

const FRAMEWORKS = ['http', 'fastify', 'express', 'koa'];

interface OverheadRow {
  readonly framework: string;
  readonly plainMicros: number;
  readonly byeMicros: number;
  /** Of the pairs, in percent. */
  readonly overhead: Interval;
  readonly pairs: readonly Pair[];
}

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '24' },
    rounds: { type: 'string', default: '20' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}

const startedAt = performance.now();
const machine = describeMachine();
const date = new Date().toISOString();
const rows: OverheadRow[] = [];
for (const framework of values.only?.split(',') ?? FRAMEWORKS) {
  console.log(`${framework}: measuring ...`);
  const row = await measureRow(framework);
  rows.push(row);
  console.log(`  ${cellsOf(row).slice(1).join(' | ')}`);
}
const command = ['npm run bench:overhead --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
if (values.only) {
  console.log(`done in ${minutes} min; nothing written, as only some were measured`);
} else {
  writeResult('overhead.json', `${JSON.stringify({ date, command, machine, rows }, undefined, 2)}\n`);
  const head = ['', 'without bye', 'with bye', 'more', '95 % confidence', 'pairs'];
  const table = markdownTable(head, rows.map(cellsOf));
  updatePage(PAGE, 'overhead', `\`${command}\`, ${date.slice(0, 10)}; ${machineLine(machine)}.\n\n${table}`);
  console.log(`done in ${minutes} min; written: bench/results/overhead.json and the table in bench/README.md`);
}

async function measureRow(framework: string): Promise<OverheadRow> {
  const pairs: Pair[] = [];
  for (let pair = 0; pair < Number(values.pairs); pair++)
    pairs.push(await measurePair(framework, Number(values.rounds)));
  return {
    framework,
    plainMicros: median(pairs.map(({ plainMicros }) => plainMicros)),
    byeMicros: median(pairs.map(({ byeMicros }) => byeMicros)),
    overhead: confidenceInterval(pairs.map(({ overheadPercent }) => overheadPercent)),
    pairs,
  };
}

function cellsOf({ framework, plainMicros, byeMicros, overhead, pairs }: OverheadRow): string[] {
  const { mean, low, high } = overhead;
  const percent = (value: number): string => `${value.toFixed(1)} %`;
  return [
    framework === 'http' ? 'node:http' : framework,
    `${round(plainMicros)} µs`,
    `${round(byeMicros)} µs`,
    percent(mean),
    `${percent(low)} to ${percent(high)}`,
    String(pairs.length),
  ];
}
