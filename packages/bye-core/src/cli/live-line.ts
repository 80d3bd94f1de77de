/** One line of a terminal that is written again and again, below the lines that stay. */

import { fit } from './style.js';

export interface Screen {
  readonly columns: number;
  write(text: string): void;
}

/** To the line's beginning; from the cursor to the line's end (ECMA-48: CR, EL). */
const HOME = '\r';
const ERASE = '\x1b[K';

export class LiveLine {
  readonly #screen: Screen;
  readonly #paint: (text: string) => string;
  #shown = '';

  constructor(screen: Screen, paint: (text: string) => string) {
    this.#screen = screen;
    this.#paint = paint;
  }

  /** One write, over what stands there: nothing flickers. One column stays free, as a full line would wrap. */
  show(text: string): void {
    const next = fit(text.replaceAll('\n', ' '), this.#screen.columns - 1);
    if (next === this.#shown) return;
    this.#shown = next;
    this.#screen.write(`${HOME}${this.#paint(next)}${ERASE}`);
  }

  /** A line that stays, above. */
  print(line: string): void {
    const again = this.#shown === '' ? '' : `${this.#paint(this.#shown)}`;
    this.#screen.write(`${this.#shown === '' ? '' : `${HOME}${ERASE}`}${line}\n${again}`);
  }

  clear(): void {
    if (this.#shown === '') return;
    this.#shown = '';
    this.#screen.write(`${HOME}${ERASE}`);
  }
}
