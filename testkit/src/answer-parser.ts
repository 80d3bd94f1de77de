/** Owns the strict reading of HTTP/1.1 answers: what is not exactly right is an error, nothing is guessed. */

const MAX_HEAD_BYTES = 64 * 1024;
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) ([\t\x20-\x7e\x80-\xff]*)$/;
const HEADER_LINE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(|[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/;
const CHUNK_LINE = /^([0-9A-Fa-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;

export type Headers = ReadonlyMap<string, string>;

/** Status line and headers of an answer; names in lower case, repeated ones joined by `, `. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  /** Its length on the wire. */
  readonly bytes: number;
}

/** What the parser tells its owner. */
export interface AnswerEvents {
  /** @returns the method of the request whose answer comes next, or undefined if none is outstanding */
  method(): string | undefined;
  onInterim(head: AnswerHead): void;
  onHead(head: AnswerHead): void;
  onBody(bytes: Buffer): void;
  onEnd(trailers: Headers): void;
}

/** The bytes are not an HTTP/1.1 answer, or nobody asked for them. */
export class MalformedAnswer extends Error {
  override readonly name = 'MalformedAnswer';
}

type State = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'until-eof';

const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');

/** Reads answers from the byte stream of one connection, however it is cut into pieces. */
export class AnswerParser {
  readonly #events: AnswerEvents;
  #state: State = 'head';
  #held: Buffer = Buffer.alloc(0);
  #left = 0;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  /** Bytes that arrived and wait for the rest of their line or head. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** True between the first byte of an answer and its last. */
  get inAnswer(): boolean {
    return this.#state !== 'head' || this.#held.length > 0;
  }

  /** @throws {MalformedAnswer} If the bytes are not what an HTTP/1.1 server may send here. */
  push(bytes: Buffer): void {
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = Buffer.alloc(0);
    while (rest.length > 0) {
      const used = this.#step(rest);
      if (used === 0) {
        this.#held = rest;
        return;
      }
      rest = rest.subarray(used);
    }
  }

  /** The connection ended. @returns true if that is how the current answer was to end */
  finish(): boolean {
    if (this.#state !== 'until-eof') return false;
    this.#end(new Map());
    return true;
  }

  /** @returns how many bytes were used up; 0 if more are needed */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes);
      case 'length':
      case 'chunk-data':
      case 'until-eof':
        return this.#readBody(bytes);
      case 'chunk-size':
        return this.#readLine(bytes, (line) => {
          const size = CHUNK_LINE.exec(line)?.[1];
          if (size === undefined) throw new MalformedAnswer(`chunk size line ${JSON.stringify(line)}`);
          this.#left = Number.parseInt(size, 16);
          this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
        });
      case 'chunk-end':
        return this.#readLine(bytes, (line) => {
          if (line !== '') throw new MalformedAnswer(`a chunk is longer than it said: ${JSON.stringify(line)}`);
          this.#state = 'chunk-size';
        });
      case 'trailers':
        return this.#readTrailers(bytes);
    }
  }

  #readHead(bytes: Buffer): number {
    const method = this.#events.method();
    if (method === undefined) throw new MalformedAnswer(`no request is outstanding, yet ${quote(bytes)} came`);
    const end = bytes.indexOf(BLANK_LINE);
    if (end === -1) {
      if (bytes.length > MAX_HEAD_BYTES) throw new MalformedAnswer('a head of more than 64 KiB');
      if (!'HTTP/1.1 '.startsWith(bytes.toString('latin1', 0, 9)))
        throw new MalformedAnswer(`${quote(bytes)} is no head`);
      return 0;
    }
    const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
    const status = STATUS_LINE.exec(first);
    if (status === null) throw new MalformedAnswer(`status line ${JSON.stringify(first)}`);
    const bytesUsed = end + BLANK_LINE.length;
    const head = { status: Number(status[1]), reason: status[2] ?? '', headers: parseHeaders(lines), bytes: bytesUsed };
    if (head.status < 200) {
      if (head.status === 101) throw new MalformedAnswer('101, and no upgrade was asked for');
      this.#events.onInterim(head);
      return bytesUsed;
    }
    this.#events.onHead(head);
    this.#startBody(method, head);
    return bytesUsed;
  }

  #startBody(method: string, { status, headers }: AnswerHead): void {
    const coding = headers.get('transfer-encoding');
    const length = headers.get('content-length');
    if (coding !== undefined && length !== undefined) throw new MalformedAnswer('both a length and a transfer coding');
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new MalformedAnswer(`content-length ${length}`);
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') throw new MalformedAnswer(`coding ${coding}`);
    if (status === 204 && (length ?? coding) !== undefined) throw new MalformedAnswer('a 204 that announces a body');

    const empty = method === 'HEAD' || status === 204 || status === 304 || Number(length) === 0;
    if (empty) {
      this.#end(new Map());
    } else if (coding !== undefined) {
      this.#state = 'chunk-size';
    } else if (length !== undefined) {
      this.#left = Number(length);
      this.#state = 'length';
    } else if (saysClose(headers)) {
      this.#state = 'until-eof';
    } else {
      throw new MalformedAnswer('neither a length, nor chunked, nor "Connection: close"');
    }
  }

  #readBody(bytes: Buffer): number {
    const used = this.#state === 'until-eof' ? bytes.length : Math.min(this.#left, bytes.length);
    this.#left -= used;
    this.#events.onBody(bytes.subarray(0, used));
    if (this.#left === 0 && this.#state === 'chunk-data') this.#state = 'chunk-end';
    if (this.#left === 0 && this.#state === 'length') this.#end(new Map());
    return used;
  }

  #readLine(bytes: Buffer, use: (line: string) => void): number {
    const end = bytes.indexOf(CRLF);
    if (end === -1) {
      if (bytes.length > 1024) throw new MalformedAnswer(`a line without end: ${quote(bytes)}`);
      return 0;
    }
    use(bytes.toString('latin1', 0, end));
    return end + CRLF.length;
  }

  #readTrailers(bytes: Buffer): number {
    if (bytes.length < 2) return 0;
    if (bytes[0] === 13 && bytes[1] === 10) {
      this.#end(new Map());
      return CRLF.length;
    }
    const end = bytes.indexOf(BLANK_LINE);
    if (end === -1) {
      if (bytes.length > MAX_HEAD_BYTES) throw new MalformedAnswer('trailers of more than 64 KiB');
      return 0;
    }
    this.#end(parseHeaders(bytes.toString('latin1', 0, end).split('\r\n')));
    return end + BLANK_LINE.length;
  }

  #end(trailers: Headers): void {
    this.#state = 'head';
    this.#events.onEnd(trailers);
  }
}

/** @returns whether the headers say that the server ends the connection after this answer */
export function saysClose(headers: Headers): boolean {
  const tokens = headers.get('connection')?.toLowerCase().split(',') ?? [];
  return tokens.some((token) => token.trim() === 'close');
}

function parseHeaders(lines: readonly string[]): Headers {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const match = HEADER_LINE.exec(line);
    if (match === null) throw new MalformedAnswer(`header line ${JSON.stringify(line)}`);
    const name = (match[1] ?? '').toLowerCase();
    const value = match[2] ?? '';
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function quote(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, Math.min(bytes.length, 60)));
}
