/** Tells programs: one JSON object a line, the result last. docs/command.md has the form. */

import type { ErrorMessage } from '../channel/messages.js';
import type { Progress, Reporter } from './reporter.js';
import type { CommandResult } from './result.js';

export class JsonReporter implements Reporter {
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  progress(progress: Progress): void {
    this.#line(progress);
  }

  note(): void {}

  result(result: CommandResult, exitCode: number): void {
    this.#line({ result: result.ok ? result : { ...result, error: withoutOwnStacks(result.error) }, exitCode });
  }

  #line(value: object): void {
    this.#write(`${JSON.stringify(value)}\n`);
  }
}

/** Where bye itself made an error says nothing about the service. */
function withoutOwnStacks({ stack, cause, ...error }: ErrorMessage): ErrorMessage {
  return {
    ...error,
    ...(stack === undefined || error.name === 'ByeError' ? {} : { stack }),
    ...(cause === undefined ? {} : { cause: withoutOwnStacks(cause) }),
  };
}
