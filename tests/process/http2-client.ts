/** A client that conforms to RFC 9113 and no more: it sends again only what the server cannot have processed (8.7). */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';

interface Current {
  readonly session: ClientHttp2Session;
  /** Streams above were not processed; known once a GOAWAY came. */
  lastStream: number;
}

export interface Http2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request of which the server may have seen something: it would be lost for a client of the real world. */
export class Http2Failure extends Error {}

export class Http2Client {
  /** Requests that were sent again, as they were refused unprocessed. */
  retried = 0;
  readonly #url: string;
  #current: Current | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async send(body: Buffer): Promise<Http2Answer> {
    for (;;) {
      const current = this.#open();
      const stream = current.session.request({
        ':path': '/echo',
        ':method': 'POST',
        'content-type': 'application/octet-stream',
      });
      try {
        return await exchange(stream, body);
      } catch (error) {
        if (!isUnprocessed(stream, current)) throw new Http2Failure(String(error), { cause: error });
        this.retried += 1;
        // Whoever refuses a stream is about to go.
        if (this.#current === current) this.#current = undefined;
      }
    }
  }

  close(): void {
    this.#current?.session.close();
  }

  #open(): Current {
    const { session: old } = this.#current ?? {};
    if (this.#current && old && !old.closed && !old.destroyed) return this.#current;
    const session = connect(this.#url, { rejectUnauthorized: false });
    const current: Current = { session, lastStream: Number.POSITIVE_INFINITY };
    // An error of the session is one of each of its streams, too.
    session.on('error', () => {});
    session.on('goaway', (_code: number, lastStream: number) => {
      current.lastStream = lastStream;
      if (this.#current === current) this.#current = undefined;
    });
    this.#current = current;
    return current;
  }
}

function isUnprocessed({ id, rstCode }: ClientHttp2Stream, { lastStream }: Current): boolean {
  return rstCode === constants.NGHTTP2_REFUSED_STREAM || (id !== undefined && id > lastStream);
}

async function exchange(stream: ClientHttp2Stream, body: Buffer): Promise<Http2Answer> {
  let headers: IncomingHttpHeaders = {};
  stream.on('response', (received) => {
    headers = received;
  });
  stream.end(body);
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return { headers, body: Buffer.concat(parts) };
}
