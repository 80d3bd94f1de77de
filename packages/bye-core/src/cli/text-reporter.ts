/** Tells people: what happens on stderr, what came of it on stdout. */

import type { DrainSummary } from '../channel/control-messages.js';
import type { Host, Timer } from '../host.js';
import type { StatusReport } from '../types.js';
import { formatDuration } from './duration.js';
import { renderFailure } from './failure-text.js';
import { LiveLine } from './live-line.js';
import { describeProgress, isIdle, stageOf } from './progress.js';
import type { Progress, Reporter } from './reporter.js';
import type { CommandResult } from './result.js';
import { renderStatus } from './status-text.js';
import { allPrintable, createStyle, type Style } from './style.js';
import type { Sink, Terminal } from './terminal.js';

/** Events worth a line of their own; the others are what the result says, or what the live line shows. */
const TOLD = new Set([
  'upgrade-started',
  'listener-dropped',
  'hook-failed',
  'task-failed',
  'predecessor-gone',
  'predecessor-killed',
  'successor-lost',
  'warning',
]);

const TICK_MS = 1000;

export interface TextReporterParts {
  readonly host: Host;
  readonly terminal: Terminal;
  /** The result comes long after the new process took over. */
  readonly waits: boolean;
  /** Every change is a result. */
  readonly watches: boolean;
}

export class TextReporter implements Reporter {
  readonly #parts: TextReporterParts;
  readonly #styles: { readonly out: Style; readonly err: Style };
  /** `undefined` where lines can't be written again. */
  readonly #live: LiveLine | undefined;
  #status: StatusReport | undefined;
  #tick: Timer | undefined;
  /** The last line of progress. */
  #told = '';

  constructor(parts: TextReporterParts) {
    const { out, err } = parts.terminal;
    this.#parts = parts;
    this.#styles = { out: createStyle(out.hasColour), err: createStyle(err.hasColour) };
    this.#live = err.canRewrite ? new LiveLine(err, this.#styles.err.faint) : undefined;
  }

  progress(told: Progress): void {
    const progress = allPrintable(told);
    if ('event' in progress) {
      const { event, message } = progress;
      if (TOLD.has(event) || (event === 'upgrade-finished' && this.#parts.waits)) this.note(message);
      return;
    }
    // Before what was asked for has begun, and a moment after it has ended.
    if (isIdle(progress.status) && !this.#parts.watches) return;
    const before = this.#status;
    this.#status = progress.status;
    const isNews = before === undefined || stageOf(before) !== stageOf(progress.status);
    if (isNews && this.#parts.watches) this.#print(this.#parts.terminal.out, this.#describe(progress.status));
    else if (isNews && !this.#live) this.#tell(this.#describe(progress.status));
    this.#draw();
  }

  /** Not twice: what is new may be nothing that a line tells. */
  #tell(line: string): void {
    if (line !== this.#told) this.note(line);
    this.#told = line;
  }

  note(text: string): void {
    this.#print(this.#parts.terminal.err, text);
  }

  result(told: CommandResult): void {
    const result = allPrintable(told);
    this.#tick?.cancel();
    this.#live?.clear();
    const { terminal, host } = this.#parts;
    const nowMs = host.epochNow();
    if (!result.ok) {
      const lines = renderFailure(result.request, result.error, nowMs, this.#styles.err);
      for (const line of lines) this.#print(terminal.err, line);
      return;
    }
    if (result.request === 'status') {
      if (this.#parts.watches) return;
      for (const line of renderStatus(result.status, nowMs, this.#styles.out)) this.#print(terminal.out, line);
      return;
    }
    this.#print(terminal.out, this.#styles.out.good(describeSuccess(result)));
    for (const line of describeLosses(result.drain)) this.#print(terminal.err, this.#styles.err.warn(line));
  }

  #describe(status: StatusReport): string {
    return describeProgress(status, this.#parts.host.epochNow());
  }

  /** Once a second, as the time that is left goes by without an answer. */
  #draw(): void {
    if (!this.#live || !this.#status) return;
    this.#tick?.cancel();
    this.#live.show(this.#describe(this.#status));
    this.#tick = this.#parts.host.after(TICK_MS, () => this.#draw());
  }

  #print(sink: Sink, line: string): void {
    // Both streams are the same terminal then, as a rule.
    if (this.#live && sink === this.#parts.terminal.err) {
      this.#live.print(line);
    } else {
      this.#live?.clear();
      sink.write(`${line}\n`);
    }
  }
}

type Success = Extract<CommandResult, { ok: true; request: 'upgrade' | 'stop' }>;

function describeSuccess(result: Success): string {
  const { drain } = result;
  const drained =
    drain && `drained in ${formatDuration(drain.durationMs)}, ${drain.requestsFinished} answered meanwhile`;
  if (result.request === 'stop') {
    const who = result.pid === undefined ? 'stopped' : `stopped process ${result.pid}`;
    return drained === undefined ? who : `${who}: ${drained}`;
  }
  const { pid, generation, durationMs } = result;
  const what = `upgraded to process ${pid}${generation === undefined ? '' : `, generation ${generation}`}`;
  return `${what}, in ${formatDuration(durationMs)}${drained === undefined ? '' : `; the old process ${drained}`}`;
}

function describeLosses(
  { cut, hookErrors }: Pick<DrainSummary, 'cut' | 'hookErrors'> = { cut: [], hookErrors: [] },
): string[] {
  return [
    ...cut.map(({ kind, name, ageMs }) => `cut at the deadline: ${kind} ${name}, after ${formatDuration(ageMs)}`),
    ...hookErrors.map(({ name, message }) => `hook failed: ${name}: ${message}`),
  ];
}
