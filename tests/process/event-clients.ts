/** Clients of event streams: `EventSource`, over whatever carries them. */

import { request as requestPlain } from 'node:http';
import { connect, constants } from 'node:http2';
import { request as requestEncrypted } from 'node:https';
import { Readable } from 'node:stream';
import { EventSource, type FetchLike } from 'eventsource';

/** What one client has heard. */
export interface EventListener {
  readonly ids: number[];
  /** The process that sent the last one. */
  pid: number;
  /** Of each stream that has ended, whether it was whole. */
  readonly endings: boolean[];
  readonly source: EventSource;
}

type FetchParts = Parameters<FetchLike>;
type Fetch = (note: (isWhole: boolean) => void, ...parts: FetchParts) => ReturnType<FetchLike>;

const FETCH: Readonly<Record<'http' | 'https' | 'http2', Fetch>> = {
  http: (...parts) => fetchHttp1(requestPlain, ...parts),
  https: (...parts) => fetchHttp1(requestEncrypted, ...parts),
  http2: fetchHttp2,
};

/** Of fixtures/live.mjs. */
export function listenToEvents(port: number, protocol: keyof typeof FETCH): EventListener {
  const scheme = protocol === 'http' ? 'http' : 'https';
  const endings: boolean[] = [];
  const source = new EventSource(`${scheme}://127.0.0.1:${port}/`, {
    fetch: (...parts) => FETCH[protocol]((isWhole) => void endings.push(isWhole), ...parts),
  });
  const listener: EventListener = { ids: [], pid: 0, endings, source };
  source.onmessage = ({ lastEventId, data }) => {
    listener.ids.push(Number(lastEventId));
    listener.pid = Number(data);
  };
  return listener;
}

/** Each over a connection of its own; with a certificate that nobody has signed. */
function fetchHttp1(
  request: typeof requestEncrypted | typeof requestPlain,
  note: (isWhole: boolean) => void,
  ...[url, { headers, signal }]: FetchParts
): ReturnType<FetchLike> {
  return new Promise((resolve, reject) => {
    const options = { rejectUnauthorized: false, headers, agent: false as const, ...(signal ? { signal } : {}) };
    const sent = request(url, options, (response) => {
      response.on('close', () => note(response.complete));
      const get = (name: string) => response.headers[name.toLowerCase()]?.toString() ?? null;
      resolve(toResponse(url, response.statusCode, get, response));
    });
    sent.on('error', reject).end();
  });
}

/** Each over a session of its own, which goes with it. */
function fetchHttp2(
  note: (isWhole: boolean) => void,
  ...[url, { headers, signal }]: FetchParts
): ReturnType<FetchLike> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { rejectUnauthorized: false }).on('error', reject);
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    const stream = session.request({ ':path': '/', ...Object.fromEntries(lower) });
    signal?.addEventListener('abort', () => stream.close(constants.NGHTTP2_CANCEL));
    stream.on('error', reject).on('close', () => session.close());
    stream.on('end', () => note(stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted));
    stream.on('response', (head) => {
      resolve(toResponse(url, head[':status'], (name) => head[name.toLowerCase()]?.toString() ?? null, stream));
    });
  });
}

function toResponse(url: string | URL, status = 0, get: (name: string) => string | null, body: Readable) {
  // A client that leaves in the middle is no error here.
  body.on('error', () => {});
  const stream = Readable.toWeb(body) as ReadableStream;
  return { status, url: String(url), redirected: false, headers: { get }, body: stream };
}
