/** The process that runs the command: its arguments, streams and exit code. */

import { readVariable } from '../env.js';
import { wantsColour } from './style.js';

export interface Sink {
  readonly hasColour: boolean;
  /** A line may be written again and again. */
  readonly canRewrite: boolean;
  readonly columns: number;
  write(text: string): void;
  /** Calls back when nobody reads it any more. */
  onGone(listener: () => void): void;
}

export interface Terminal {
  readonly args: readonly string[];
  readonly out: Sink;
  readonly err: Sink;
}

const USUAL_COLUMNS = 80;

export const realTerminal: Terminal = {
  args: process.argv.slice(2),
  out: createSink(process.stdout),
  err: createSink(process.stderr),
};

/** The process ends by itself, when everything was written. */
export function setExitCode(code: number): void {
  process.exitCode = code;
}

function createSink(stream: NodeJS.WriteStream): Sink {
  let isOpen = true;
  // Whoever read it has gone (EPIPE), or its disk is full: what was asked for goes on, and the exit code tells.
  stream.on('error', () => {
    isOpen = false;
  });
  const isTerminal = stream.isTTY === true;
  const term = readVariable('TERM');
  return {
    hasColour: wantsColour({
      isTerminal,
      noColor: readVariable('NO_COLOR'),
      forceColor: readVariable('FORCE_COLOR'),
      term,
    }),
    canRewrite: isTerminal && term !== 'dumb',
    get columns() {
      return stream.columns || USUAL_COLUMNS;
    },
    write: (text) => {
      if (isOpen) stream.write(text);
    },
    onGone: (listener) => void stream.once('error', listener),
  };
}
