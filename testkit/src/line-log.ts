/** Owns the lines that processes print, and waiting for one of them. */
import { EventEmitter, once } from 'node:events';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** One printed line, without its line feed. */
export interface Line {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** How long to wait for a line, and from which one on. */
export interface WaitForLineOptions {
  /** @defaultValue 10000 */
  readonly timeoutMs?: number;
  /** Only lines from this index on count: `log.lines.length` of an earlier moment. @defaultValue 0 */
  readonly from?: number;
}

/** What was printed so far, from several streams. */
export class LineLog {
  readonly lines: Line[] = [];
  readonly #events = new EventEmitter().setMaxListeners(0);

  /** Reads a stream to its end. */
  follow(name: Line['stream'], stream: Readable): void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    stream.on('data', (bytes: Buffer) => {
      const parts = (rest + decoder.write(bytes)).split('\n');
      rest = parts.pop() ?? '';
      for (const text of parts) this.#add({ stream: name, text });
    });
    stream.on('end', () => {
      if (rest !== '') this.#add({ stream: name, text: rest });
    });
    stream.on('error', () => {}); // a pipe whose other end was killed
  }

  /**
   * Waits for a line that contains a text or matches an expression; one that is there already counts.
   * @returns the line's text
   * @throws {Error} If none comes in time; the message has the last lines.
   */
  async waitFor(pattern: string | RegExp, { timeoutMs = 10_000, from = 0 }: WaitForLineOptions = {}): Promise<string> {
    const matches = ({ text }: Line): boolean =>
      typeof pattern === 'string' ? text.includes(pattern) : new RegExp(pattern).test(text);
    const signal = AbortSignal.timeout(timeoutMs);
    for (let index = from; ; index++) {
      while (this.lines[index] === undefined)
        await once(this.#events, 'line', { signal }).catch((cause: unknown) => {
          throw new Error(`Waited ${timeoutMs} ms for the line ${pattern}; printed were:\n${this}`, { cause });
        });
      const line = this.lines[index] as Line;
      if (matches(line)) return line.text;
    }
  }

  /** @returns a function that ends the subscription */
  onLine(use: (line: Line) => void): () => void {
    this.#events.on('line', use);
    return () => this.#events.off('line', use);
  }

  /** @returns the last 40 lines */
  toString(): string {
    return this.lines
      .slice(-40)
      .map(({ stream, text }) => `  ${stream}: ${text}`)
      .join('\n');
  }

  #add(line: Line): void {
    this.lines.push(line);
    this.#events.emit('line', line);
  }
}
