/** What the tests of TLS do with fixtures/tls.mjs. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { dirname } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type App, startApp } from '@bye/testkit';
import { createCertificate } from '../../packages/bye-core/test/drain/tls.js';
import { TLS } from '../service.js';
import { Scratch } from './lab.js';

export interface TlsServerSpec {
  readonly kind?: 'https' | 'http2' | 'http2 and 1' | 'tls' | 'fastify' | 'fastify http2';
  /** Options of the server; `ca` is the name of a certificate. */
  readonly tls?: object;
  /** It has a context of its own for each. */
  readonly names?: readonly string[];
  /** What the application sets itself. */
  readonly own?: 'ticketKeys' | 'sessionIdContext' | 'setTicketKeys' | 'setTicketKeys early';
  /** It keeps sessions itself. */
  readonly store?: boolean;
  /** Whose pre-shared key it knows. */
  readonly psk?: string;
}

export interface TlsVersion {
  readonly options?: object;
  /** It is ready when the test lets it. */
  readonly hold?: boolean;
  readonly servers: readonly TlsServerSpec[];
}

/** What a client has seen. */
export interface Visit {
  readonly isReused: boolean;
  /** For the next visit. */
  readonly session: Buffer;
  /** The name in the certificate of the server; none where a session was resumed. */
  readonly server: unknown;
  /** What the server says of the client. */
  readonly said: {
    readonly pid: number;
    readonly argv: string;
    readonly authorized: boolean;
    readonly client?: string;
    readonly alpnProtocol: string | false;
    readonly servername: string | false;
    /** Its ticket keys in hex. */
    readonly keys: string;
  };
}

/** @returns the directory of key.pem and cert.pem */
export function writeCertificate(scratch: Scratch): string {
  const dir = scratch.path('certificate');
  mkdirSync(dir);
  for (const [name, pem] of Object.entries(createCertificate())) writeFileSync(`${dir}/${name}.pem`, pem);
  return dir;
}

/** A running fixtures/tls.mjs, and the next version of it, whose path is another one. */
export class TlsService implements AsyncDisposable {
  readonly scratch = new Scratch();
  readonly app: App;
  #release = 0;

  /** @param names of certificates, which are there as `<name>-key.pem` and `<name>-cert.pem` */
  constructor(first: TlsVersion, names: readonly string[] = []) {
    this.#write(createCertificate(), '');
    for (const name of names) this.#write(createCertificate(name), `${name}-`);
    this.deploy(first);
    const env = { FILE: this.scratch.path('plan.json'), DIR: this.scratch.dir, BYE_LOG: 'debug' };
    this.app = startApp(TLS, { env });
  }

  /** Says what the next version is. */
  deploy(version: TlsVersion): void {
    const script = this.scratch.path(`releases/${++this.#release}/tls.mjs`);
    mkdirSync(dirname(script), { recursive: true });
    symlinkSync(TLS, script);
    writeFileSync(this.scratch.path('plan.json'), JSON.stringify({ ...version, script }));
  }

  /** The ports of the servers, in their order. */
  async ports(): Promise<readonly number[]> {
    const line = await this.app.waitForLine('ready pid=', { timeoutMs: 20_000 });
    return JSON.parse(/ports=(.*)$/.exec(line)?.[1] ?? '[]') as number[];
  }

  /** Upgrades. @returns the new process, once the old one has gone */
  async upgrade(generation = 1): Promise<number> {
    const old = this.app.current().pid;
    this.app.kill('SIGUSR1', old);
    const { pid } = await this.app.waitForGeneration(generation, { timeoutMs: 20_000 });
    await this.app.waitForLine(new RegExp(`bye\\[${old}\\] info: exit 0`), { timeoutMs: 20_000 });
    await this.app.waitUntilGone(old);
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.dispose();
    this.scratch[Symbol.dispose]();
  }

  #write({ key, cert }: { key: Buffer; cert: Buffer }, prefix: string): void {
    writeFileSync(this.scratch.path(`${prefix}key.pem`), key);
    writeFileSync(this.scratch.path(`${prefix}cert.pem`), cert);
  }
}

/** Connects, asks once, and goes. @throws if the server does not want this client */
export async function visit(port: number, options: ConnectionOptions = {}, path = '/'): Promise<Visit> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  // TLS 1.2 gives no other ticket for a session that was resumed.
  let session = options.session ?? Buffer.alloc(0);
  socket.on('session', (bytes: Buffer) => {
    session = bytes;
  });
  const seen = new Promise<{ isReused: boolean; server: unknown }>((resolve) =>
    socket.once('secureConnect', () => {
      resolve({ isReused: socket.isSessionReused(), server: socket.getPeerCertificate().subject?.CN });
      if (socket.alpnProtocol !== 'h2')
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    }),
  );
  const isHttp2 = [options.ALPNProtocols].flat().includes('h2');
  const text = await (isHttp2 ? askHttp2(socket, path) : readAll(socket));
  const said = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as Visit['said'];
  return { ...(await seen), session, said };
}

async function readAll(socket: TLSSocket): Promise<string> {
  let text = '';
  for await (const piece of socket) text += piece;
  return text;
}

async function askHttp2(socket: TLSSocket, path: string): Promise<string> {
  const client = connectHttp2('https://localhost', { createConnection: () => socket });
  try {
    await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject));
    const stream = client.request({ ':path': path });
    let text = '';
    for await (const piece of stream.setEncoding('utf8')) text += piece;
    return text;
  } finally {
    client.close();
  }
}
