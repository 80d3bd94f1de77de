/** What `bye status` shows to people. */

import type { StatusReport } from '../types.js';
import { describeWork } from '../wording.js';
import { formatDuration, formatLeft } from './duration.js';
import { describeAgo, describeUntil } from './progress.js';
import type { ProcessStatus } from './result.js';
import type { Style } from './style.js';

type Row = readonly [head: string, text: string];

const HEAD_WIDTH = 10;

/** @param nowMs epoch milliseconds */
export function renderStatus(status: StatusReport | ProcessStatus, nowMs: number, style: Style): string[] {
  const rows = 'listeners' in status ? reportRows(status, nowMs) : processRows(status);
  return rows.map(([head, text], index) => {
    const paint = index > 0 ? style.faint : status.status === 'ready' ? style.good : style.warn;
    return `${paint(head.padEnd(HEAD_WIDTH))}${text}`;
  });
}

function processRows({ status, pid, uptimeMs }: ProcessStatus): Row[] {
  return [[status, uptimeMs === undefined ? `process ${pid}` : `process ${pid}, up ${formatDuration(uptimeMs)}`]];
}

function reportRows(report: StatusReport, nowMs: number): Row[] {
  const { status, pid, generation, uptimeMs, script, node, bye, listeners, upgrade, predecessor, lastUpgrade } = report;
  const rows: Row[] = [
    [status, `process ${pid}, generation ${generation}, up ${formatDuration(uptimeMs)}`],
    ['runs', `${script ?? 'no script'} (node ${node}, bye ${bye})`],
    ['listens', listeners.length > 0 ? listeners.join(', ') : 'nowhere'],
    ['now', describeWork(report)],
  ];
  if (status === 'draining') {
    const until = report.untilMs === undefined ? '' : `, ${describeUntil(report.untilMs, nowMs)} at the latest`;
    rows.push(['draining', `${report.phase ?? report.reason ?? ''}${until}`]);
  }
  if (report.checks)
    rows.push([
      'checks',
      Object.entries(report.checks)
        .map(([name, said]) => `${name} ${said}`)
        .join(', '),
    ]);
  if (upgrade) {
    const who = upgrade.pid === undefined ? 'no process yet' : `process ${upgrade.pid}`;
    const until = `${formatLeft(upgrade.untilMs - nowMs)} left`;
    rows.push(['upgrade', `to generation ${upgrade.generation} runs: ${who}, ${until}`]);
  }
  if (predecessor) {
    const until = describeUntil(predecessor.untilMs, nowMs);
    rows.push(['old', `process ${predecessor.pid} drains, ${until} at the latest: ${predecessor.waitingFor}`]);
  }
  if (lastUpgrade) {
    const how = lastUpgrade.ok ? `done, process ${lastUpgrade.pid}` : `failed: ${lastUpgrade.error}`;
    rows.push(['upgraded', `${describeAgo(nowMs - Date.parse(lastUpgrade.at))}, ${how}`]);
  }
  return rows;
}
