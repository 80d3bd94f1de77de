/** `npm run bench:move [-- options]`: live connections move to the new process; how long, and what a client sees of it. */
import { parseArgs } from 'node:util';
import { endAllWhenInterrupted } from '../processes.js';
import { describeMachine } from '../report/machine.js';
import { updatePage } from '../report/markdown.js';
import { PAGE, writeResult } from '../report/places.js';
import { measureMove } from './measure.js';
import { type MoveResults, type MoveRow, moveTables, shortLine, summarize } from './rows.js';
import { buildVariant, builtWindow } from './variant.js';

const USAGE = `npm run bench:move [-- options]
  --runs n       upgrades per row (default 3)
  --sizes list   numbers of connections (default 1000,5000,10000,15000,19000)
  --windows list how many are on their way at once (default 1,2,4,8,16,64)
  --crowd n      connections of the rows that compare windows (default 5000)
  --quick        1 run, sizes 1000,5000, windows 1,2,16, 2000 connections; nothing is written`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '1000,5000,10000,15000,19000' },
    windows: { type: 'string', default: '1,2,4,8,16,64' },
    crowd: { type: 'string', default: '5000' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const numbers = (list: string): number[] => list.split(',').filter(Boolean).map(Number);
const runs = values.quick ? 1 : Number(values.runs);
const sizes = values.quick ? [1000, 5000] : numbers(values.sizes);
const windows = values.quick ? [1, 2, 16] : numbers(values.windows);
const crowd = values.quick ? 2000 : Number(values.crowd);

endAllWhenInterrupted();
const startedAt = performance.now();
const machine = describeMachine();
const date = new Date().toISOString();
const window = builtWindow();
const bySize: MoveRow[] = [];
const byWindow: MoveRow[] = [];
for (const size of sizes) bySize.push(await measureRow(size, window));
for (const other of windows) byWindow.push(await measureRow(crowd, other, buildVariant(other)));

const command = ['npm run bench:move --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');
const results: MoveResults = { date, command, machine, window, bySize, byWindow };
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
if (values.quick) {
  console.log(`done in ${minutes} min; nothing written, as this was a quick look`);
} else {
  writeResult('move.json', `${JSON.stringify(results, undefined, 2)}\n`);
  updatePage(PAGE, 'move', moveTables(results));
  console.log(`done in ${minutes} min; written: bench/results/move.json and the tables in bench/README.md`);
}

async function measureRow(connections: number, onTheWay: number, core?: string): Promise<MoveRow> {
  console.log(`${connections} connections, ${onTheWay} on their way at once: measuring ...`);
  const moves = [];
  for (let run = 0; run < runs; run++) moves.push(await measureMove(connections, core));
  const row = summarize(connections, onTheWay, moves);
  console.log(`  ${shortLine(row)}`);
  return row;
}
