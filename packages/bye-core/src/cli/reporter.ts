/** Whom a command tells what happens: a person, or a program. */

import type { ControlAnswer } from '../channel/control-messages.js';
import type { CommandResult } from './result.js';

export type Progress = Exclude<ControlAnswer, { result: unknown }>;

export interface Reporter {
  /** What the service tells while the command runs. */
  progress(progress: Progress): void;
  /** What the command does itself. */
  note(text: string): void;
  /** The end, once. */
  result(result: CommandResult, exitCode: number): void;
}
