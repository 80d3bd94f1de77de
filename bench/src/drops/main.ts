/** `npm run bench:drops [-- options]`: how many requests fail when a service is replaced, and when it is stopped. */
import { parseArgs } from 'node:util';
import { endAllWhenInterrupted } from '../processes.js';
import { drawBars } from '../report/bars.js';
import { describeMachine } from '../report/machine.js';
import { updatePage } from '../report/markdown.js';
import { PAGE, writeResult } from '../report/places.js';
import { contenders, stoppers } from './contenders/index.js';
import { mergeResults, type Part } from './results.js';
import { measureStops } from './stops.js';
import { panels, shortLine, stopTable, upgradeTable } from './tables.js';
import { measureUpgrades } from './upgrades.js';

const USAGE = `npm run bench:drops [-- options]
  --switches n   replacements and stops per row (default 10)
  --quick        3 of each; nothing is written
  --part p       only "upgrades" or "stops"; the results of the other part stay
  --only text    only rows whose name has the text; nothing is written`;

const { values } = parseArgs({
  options: {
    switches: { type: 'string', default: '10' },
    quick: { type: 'boolean', default: false },
    part: { type: 'string', default: 'all' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const switches = values.quick ? 3 : Number(values.switches);
if (values.help || !(switches > 0) || !['all', 'upgrades', 'stops'].includes(values.part)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

endAllWhenInterrupted();
const startedAt = performance.now();
const upgrades =
  values.part === 'stops' ? undefined : await runPart(contenders(), (row) => measureUpgrades(row, switches));
const stops = values.part === 'upgrades' ? undefined : await runPart(stoppers(), (row) => measureStops(row, switches));
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
if (values.only === undefined && !values.quick) {
  const results = mergeResults({ ...(upgrades ? { upgrades } : {}), ...(stops ? { stops } : {}) });
  if (upgrades) updatePage(PAGE, 'drops-upgrades', upgradeTable(upgrades));
  if (stops) updatePage(PAGE, 'drops-stops', stopTable(stops));
  writeResult('drops.svg', drawBars(panels(results)));
  console.log(
    `done in ${minutes} min; written: bench/results/drops.json, drops.svg, and the tables in bench/README.md`,
  );
} else {
  console.log(`done in ${minutes} min; nothing written, as this was not the whole`);
}

interface Measurable {
  readonly name: string;
  readonly missing?: () => string | undefined;
}

async function runPart<Kind extends Measurable, Row extends Parameters<typeof shortLine>[0]>(
  all: readonly Kind[],
  measure: (kind: Kind) => Promise<Row>,
): Promise<Part<Row>> {
  const machine = describeMachine();
  const date = new Date().toISOString();
  const rows: Row[] = [];
  const missing: { name: string; why: string }[] = [];
  for (const kind of all.filter(({ name }) => name.includes(values.only ?? ''))) {
    const why = kind.missing?.();
    if (why !== undefined) {
      missing.push({ name: kind.name, why });
      console.log(`${kind.name}: not measured, ${why}`);
      continue;
    }
    console.log(`${kind.name}: measuring ...`);
    try {
      const row = await measure(kind);
      rows.push(row);
      console.log(`  ${shortLine(row)}`);
    } catch (error) {
      console.error(error);
      process.exitCode = 1;
      missing.push({ name: kind.name, why: `it failed: ${String(error).split('\n')[0]}` });
    }
  }
  return {
    date,
    command: ['npm run bench:drops --', ...process.argv.slice(2)].join(' ').replace(/ --$/, ''),
    machine,
    rows,
    missing,
  };
}
