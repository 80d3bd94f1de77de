/** A terminal, or none, that keeps what is written. */

import type { Sink, Terminal } from '../../src/cli/terminal.js';

class FakeSink implements Sink {
  hasColour = false;
  canRewrite = false;
  columns = 60;
  written = '';

  write(text: string): void {
    this.written += text;
  }

  gone = () => {};

  onGone(listener: () => void): void {
    this.gone = listener;
  }

  get lines(): string[] {
    return this.written.split('\n').filter(Boolean);
  }
}

export class FakeTerminal implements Terminal {
  readonly args: readonly string[];
  readonly out = new FakeSink();
  readonly err = new FakeSink();

  constructor(line: string) {
    this.args = line.split(' ').filter(Boolean);
  }
}
