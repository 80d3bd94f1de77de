/** Owns the small protocol between the load and the servers under test: routes whose answers can be checked. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { exactBody, seededBody, seededBytes } from './body-check.js';
import type { RequestSpec } from './request.js';

/** Header in which every answer names the process that gave it. */
export const PID_HEADER = 'x-pid';

/**
 * Answers the routes of the protocol. Every answer carries `x-pid`.
 *
 * | route | answer |
 * |---|---|
 * | `GET /fast?n=ID` | `ok ID` |
 * | `GET /slow?ms=N&n=ID` | `ok ID`, N ms later |
 * | `POST /echo` | SHA-256 (hex) and length of the body, parted by a space |
 * | `GET /large?bytes=N&seed=S` | N bytes of the sequence S, with a length, as fast as they are read |
 * | `GET /stream?bytes=N&seed=S&ms=M` | the same in chunks, one every M ms, with the trailer `x-bytes` |
 * | `POST /early` | 413 before the body was read |
 * | `GET /headers-set?form=F&n=ID` | `ok ID`, with `Connection: keep-alive` set by the handler itself: F is `setHeader`, `writeHead` or `flat` |
 * | `GET /status?code=N` | status N without a body |
 *
 * @returns false for any other path: nothing was answered then
 * @example In a framework
 * ```ts
 * express().use((req, res, next) => testHandler(req, res) || next());
 * koa.use(async (ctx, next) => { if (testHandler(ctx.req, ctx.res)) ctx.respond = false; else await next(); });
 * fastify.all('/*', (request, reply) => { reply.hijack(); testHandler(request.raw, reply.raw); });
 * fastify.addContentTypeParser('*', (_request, _body, done) => done(null)); // leaves the body to the handler
 * ```
 */
export function testHandler(req: IncomingMessage, res: ServerResponse): boolean {
  const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost');
  const number = (name: string): number => Number(searchParams.get(name) ?? 0);
  const text = `ok ${searchParams.get('n') ?? ''}`;
  const statusBefore = res.statusCode;
  res.statusCode = 200; // Koa has put a 404 there
  res.setHeader(PID_HEADER, String(process.pid));
  switch (pathname) {
    case '/fast':
      sendText(res, 200, text);
      return true;
    case '/slow':
      setTimeout(() => sendText(res, 200, text), number('ms'));
      return true;
    case '/echo':
      sendDigest(req, res);
      return true;
    case '/early':
      sendText(res, 413, 'too large');
      return true;
    case '/large':
      res.setHeader('Content-Length', number('bytes'));
      pipeline(seededStream(number('seed'), number('bytes')), res, () => {});
      return true;
    case '/stream':
      res.setHeader('Trailer', 'x-bytes');
      res.addTrailers({ 'x-bytes': String(number('bytes')) });
      pipeline(seededStream(number('seed'), number('bytes'), number('ms')), res, () => {});
      return true;
    case '/headers-set':
      sendKeepAlive(res, searchParams.get('form'), text);
      return true;
    case '/status':
      res.writeHead(number('code')).end();
      return true;
    default:
      res.removeHeader(PID_HEADER);
      res.statusCode = statusBefore;
      return false;
  }
}

/** Requests of the protocol, each with what its answer must be. */
export const requests = {
  fast: (n: number | string): RequestSpec => ({ path: `/fast?n=${n}`, check: exactBody(`ok ${n}`) }),
  slow: (n: number | string, ms: number): RequestSpec => ({
    path: `/slow?ms=${ms}&n=${n}`,
    check: exactBody(`ok ${n}`),
  }),
  echo: (body: Buffer): RequestSpec => ({
    method: 'POST',
    path: '/echo',
    headers: { 'Content-Type': 'application/octet-stream' },
    body,
    check: exactBody(digest(body)),
  }),
  large: (seed: number, bytes: number): RequestSpec => ({
    path: `/large?bytes=${bytes}&seed=${seed}`,
    check: seededBody(seed, bytes),
  }),
  stream: (seed: number, bytes: number, ms: number): RequestSpec => ({
    path: `/stream?bytes=${bytes}&seed=${seed}&ms=${ms}`,
    check: seededBody(seed, bytes),
  }),
  early: (body: Buffer): RequestSpec => ({ method: 'POST', path: '/early', body, expectStatus: 413 }),
  headersSet: (n: number | string, form: 'setHeader' | 'writeHead' | 'flat'): RequestSpec => ({
    path: `/headers-set?form=${form}&n=${n}`,
    check: exactBody(`ok ${n}`),
  }),
} as const;

/** @returns what `POST /echo` answers to this body */
export function digest(body: Buffer | string): string {
  return `${createHash('sha256').update(body).digest('hex')} ${Buffer.byteLength(body)}`;
}

function sendText(res: ServerResponse, status: number, text: string): void {
  res.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}

function sendDigest(req: IncomingMessage, res: ServerResponse): void {
  const hash = createHash('sha256');
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  req.on('end', () => sendText(res, 200, `${hash.digest('hex')} ${bytes}`));
}

function sendKeepAlive(res: ServerResponse, form: string | null, text: string): void {
  if (form === 'writeHead') res.writeHead(200, { Connection: 'keep-alive' });
  else if (form === 'flat') res.writeHead(200, ['Connection', 'keep-alive']);
  else res.setHeader('Connection', 'keep-alive');
  res.end(text);
}

/** Reads the first `bytes` bytes of the sequence `seed`, a block every `everyMs`. */
export function seededStream(seed: number, bytes: number, everyMs = 0): Readable {
  let offset = 0;
  return new Readable({
    read() {
      const part = seededBytes(seed, offset, bytes - offset);
      offset += part.length;
      const push = (): boolean => this.push(part.length === 0 ? null : part);
      if (everyMs > 0) setTimeout(push, everyMs);
      else push();
    },
  });
}
