/** Owns what a request is: its description, and the bytes it becomes. */
import type { CreateBodyCheck } from './body-check.js';

/** One request of the strict client, and what a right answer to it is. */
export interface RequestSpec {
  /** @defaultValue 'GET', or 'POST' with a body */
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Sends the body in chunks of `chunkBytes` instead of announcing its length. @defaultValue false */
  readonly chunked?: boolean;
  /** @defaultValue 16384 */
  readonly chunkBytes?: number;
  /** Sends `Expect: 100-continue` and writes the body only once the server asked for it. @defaultValue false */
  readonly expectContinue?: boolean;
  /** Sends the body in pieces of `chunkBytes`, one every `everyMs`. */
  readonly slowUpload?: { readonly chunkBytes: number; readonly everyMs: number };
  /** Stops reading for `pauseMs` when the answer begins, and reads at most `bytesPerSecond`. */
  readonly slowRead?: { readonly pauseMs?: number; readonly bytesPerSecond?: number };
  /** Sends `Connection: close`. @defaultValue false */
  readonly close?: boolean;
  /** Statuses that are right. @defaultValue [200] */
  readonly expectStatus?: number | readonly number[];
  /** Checks the body while it arrives. Without it any body is right. */
  readonly check?: CreateBodyCheck;
  /** Keeps the body in the answer. @defaultValue true without a `check`, else false */
  readonly keepBody?: boolean;
  /** Time without any progress after which the request has failed. @defaultValue 30000 */
  readonly timeoutMs?: number;
}

/** @returns the request's method, also where the description leaves it out */
export function methodOf(spec: RequestSpec): string {
  return spec.method ?? (spec.body === undefined ? 'GET' : 'POST');
}

/** @returns the head, up to and with its blank line */
export function encodeHead(spec: RequestSpec, host: string): Buffer {
  const lines = [`${methodOf(spec)} ${spec.path} HTTP/1.1`, `Host: ${host}`];
  if (spec.close === true) lines.push('Connection: close');
  if (spec.expectContinue === true) lines.push('Expect: 100-continue');
  if (spec.chunked === true) lines.push('Transfer-Encoding: chunked');
  else if (spec.body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(spec.body)}`);
  for (const [name, value] of Object.entries(spec.headers ?? {})) lines.push(`${name}: ${value}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** @returns the body as it goes over the wire, in pieces of `chunkBytes` */
export function encodeBody(spec: RequestSpec): Buffer[] {
  if (spec.body === undefined) return spec.chunked === true ? [Buffer.from('0\r\n\r\n')] : [];
  const body = Buffer.from(spec.body);
  const size = spec.slowUpload?.chunkBytes ?? spec.chunkBytes ?? 16_384;
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size);
    const framed = [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')];
    pieces.push(spec.chunked === true ? Buffer.concat(framed) : piece);
  }
  if (spec.chunked === true) pieces.push(Buffer.from('0\r\n\r\n'));
  return pieces;
}

/** @returns the whole request as it goes over the wire */
export function encodeRequest(spec: RequestSpec, host: string): Buffer {
  return Buffer.concat([encodeHead(spec, host), ...encodeBody(spec)]);
}

/** Cuts bytes into `pieces` parts at random places; fewer if there are not so many bytes. */
export function cutAtRandom(bytes: Buffer, pieces: number, integer: (below: number) => number): Buffer[] {
  const cuts = new Set<number>();
  for (let tries = 0; tries < pieces * 4 && cuts.size < pieces - 1 && bytes.length > 1; tries++)
    cuts.add(1 + integer(bytes.length - 1));
  const ends = [...cuts].sort((a, b) => a - b).concat(bytes.length);
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}
