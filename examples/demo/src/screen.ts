/** Owns the terminal: what happened, line by line, and below it one line that says how things are. */

/** Where the demo writes. */
export interface Screen {
  /** Something happened: a line that stays. */
  say(text: string): void;
  /** How things are: refreshed in place on a terminal, a line per second elsewhere. */
  show(text: string, paint: (text: string) => string): void;
  /** The end: takes the refreshed line away. */
  finish(text: string): void;
  readonly paint: Paint;
}

/** Colours, or none. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/** Creates the screen of this process. Colours only on a terminal, and not with NO_COLOR. */
export function createScreen(output: NodeJS.WriteStream = process.stdout): Screen {
  const startedAt = performance.now();
  const isTerminal = output.isTTY === true;
  const { NO_COLOR, TERM } = process.env;
  const colours = isTerminal && !NO_COLOR && TERM !== 'dumb';
  const style = (code: number) => (text: string) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
  const paint = { bold: style(1), dim: style(2), good: style(32), bad: style(31) };
  const clock = (): string => `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  `;
  let shown = '';
  let shownAt = 0;
  const erase = isTerminal ? '\r\x1b[K' : '';

  return {
    paint,
    say(text) {
      output.write(`${erase}${paint.dim(clock())}${text}\n`);
      if (isTerminal) output.write(shown);
    },
    show(text, paintLine) {
      const line = `${clock()}${text}`;
      if (isTerminal) {
        shown = paintLine(line.slice(0, (output.columns || 80) - 1));
        output.write(`${erase}${shown}`);
      } else if (performance.now() - shownAt >= 990) {
        shownAt = performance.now();
        output.write(`${line}\n`);
      }
    },
    finish(text) {
      output.write(`${erase}${text}\n`);
    },
  };
}
