import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, Server, type TlsOptions } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TlsSessionsMessage } from '../../src/channel/messages.js';
import { watchTicketKeys } from '../../src/internals-tls.js';
import { KeptSessions } from '../../src/tls/sessions.js';
import { createCertificate } from '../drain/tls.js';
import { FakeHost } from '../fake-host.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const KEY = 'tcp:*:443';
watchTicketKeys();
const pem = createCertificate();

let host: FakeHost;
let told: object[];
let servers: Server[];
beforeEach(() => {
  host = new FakeHost();
  told = [];
  servers = [];
});
afterEach(() => {
  for (const server of servers) server.close();
});

/** A process with one server, as far as sessions go. */
class Process {
  readonly server: Server;
  readonly sessions: KeptSessions;

  constructor(options: TlsOptions = {}) {
    this.server = createServer({ ...pem, ...options }, (socket) => socket.on('error', () => {}).end('x'));
    servers.push(this.server);
    const byKey = new Map([[KEY, this.server]]);
    const emit = (_name: string, payload: object) => void told.push(payload);
    this.sessions = new KeptSessions({ host, emit, open: () => byKey, adopted: () => byKey });
  }

  /** Takes over from the old process. */
  follow({ sessions }: Process): this {
    return this.take(sessions.collect());
  }

  take(word: TlsSessionsMessage | undefined): this {
    this.sessions.receive(JSON.parse(JSON.stringify(word)) as TlsSessionsMessage);
    this.sessions.beginAccepting();
    return this;
  }

  get keys(): string {
    return this.server.getTicketKeys().toString('hex');
  }

  get kept(): number | undefined {
    return this.sessions.collect()?.servers.length;
  }
}

/** A client that keeps its session, as far as it is given one. */
async function visit({ server }: Process, session?: Buffer): Promise<{ isReused: boolean; session: Buffer }> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session ? { session } : {}) });
  const seen = { isReused: false, session: Buffer.alloc(0) };
  socket.on('error', () => {});
  socket.on('session', (bytes: Buffer) => Object.assign(seen, { session: bytes }));
  socket.on('secureConnect', () => Object.assign(seen, { isReused: socket.isSessionReused() }));
  await new Promise((resolve) => socket.resume().on('close', resolve));
  return seen;
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)('sessions of the generation before last resume: %s', async (maxVersion) => {
  const first = new Process({ maxVersion });
  const { session } = await visit(first);
  const word = first.sessions.collect();
  const argv1 = process.argv[1] as string;
  process.argv[1] = `${argv1}-of-another-release`;
  try {
    const third = new Process({ maxVersion }).follow(new Process({ maxVersion }).take(word));
    expect(await visit(third, session)).toMatchObject({ isReused: true });
    expect(await visit(new Process({ maxVersion }), session)).toMatchObject({ isReused: false });
  } finally {
    process.argv[1] = argv1;
  }
  expect(told).toEqual([
    { key: KEY, resume: true, why: undefined },
    { key: KEY, resume: true, why: undefined },
  ]);
});

test('the last word counts, and nothing is taken before the application has set up its servers', () => {
  const [old, young] = [new Process(), new Process()];
  const own = young.keys;
  young.sessions.receive(old.sessions.collect() as TlsSessionsMessage);
  expect(young.keys).toBe(own);
  old.server.setSecureContext(pem);
  young.follow(old);
  expect(young.keys).toBe(old.keys);
  expect(told).toHaveLength(1);
});

test('a word that comes late counts at once, and tells nothing if it says nothing new', () => {
  const [old, young] = [new Process(), new Process()];
  young.sessions.beginAccepting();
  for (let times = 0; times < 2; times++) young.sessions.receive(old.sessions.collect() as TlsSessionsMessage);
  expect(young.keys).toBe(old.keys);
  expect(told).toHaveLength(1);
});

test('keys and contexts of the application are neither handed on nor replaced', () => {
  const own = Buffer.alloc(48, 7);
  expect(new Process({ ticketKeys: own }).kept).toBe(0);
  const young = new Process();
  young.server.setTicketKeys(own);
  young.follow(new Process());
  expect(young.keys).toBe(own.toString('hex'));
  expect(told).toEqual([{ key: KEY, resume: false, why: expect.stringContaining('of its own') }]);
});

test('sessions of clients without a certificate do not get past a version that wants one', async () => {
  const old = new Process();
  const { session } = await visit(old);
  const young = new Process({ requestCert: true, ca: [pem.cert] }).follow(old);
  expect(await visit(young, session)).toMatchObject({ isReused: false });
  expect(told).toEqual([{ key: KEY, resume: false, why: expect.stringContaining('does not let in the same clients') }]);
});

test('inherited keys are replaced after a day', async () => {
  const old = new Process();
  await host.advance(DAY_MS / 2);
  const young = new Process().follow(old);
  const next = new Process().follow(young);
  await host.advance(DAY_MS / 2 - 1);
  expect([young.keys, next.keys]).toEqual([old.keys, old.keys]);
  await host.advance(1);
  expect(next.keys).not.toBe(old.keys);
  const after = new Process().follow(next);
  expect(after.keys).toBe(next.keys);
  await host.advance(DAY_MS / 2);
  expect(after.keys).not.toBe(next.keys);
});

test('older keys go on for as long as their tickets hold', async () => {
  const old = new Process({ sessionTimeout: 60 });
  await host.advance(30 * DAY_MS);
  const young = new Process({ sessionTimeout: 60 }).follow(old);
  expect(young.keys).toBe(old.keys);
  await host.advance(59_999);
  const { keys } = old;
  expect(young.keys).toBe(keys);
  await host.advance(1);
  expect(young.keys).not.toBe(keys);
});

test('keys that the application has set since are not replaced', async () => {
  const young = new Process().follow(new Process());
  young.server.setTicketKeys(Buffer.alloc(48, 7));
  await host.advance(DAY_MS);
  expect(young.keys).toBe(Buffer.alloc(48, 7).toString('hex'));
});

test('a server that fails does not stop the others', () => {
  const [bad, good] = [new Server(), new Server()];
  bad.getTicketKeys = () => {
    throw new Error('no');
  };
  const open = new Map([
    ['bad', bad],
    ['good', good],
  ]);
  const emit = (_name: string, payload: object) => void told.push(payload);
  const sessions = new KeptSessions({ host, emit, open: () => open, adopted: () => open });
  expect(sessions.collect()?.servers.map(({ key }) => key)).toEqual(['good']);
  expect(told).toEqual([{ key: 'bad', resume: false, why: 'Error: no' }]);
});

test('keys that are none are not taken', () => {
  const [old, young] = [new Process(), new Process()];
  const { keys } = young;
  const [sessions] = old.sessions.collect()?.servers ?? [];
  young.sessions.beginAccepting();
  young.sessions.receive({ bye: 'tls-sessions', servers: [{ ...sessions, ticketKeys: 'AA==' } as never] });
  expect(young.keys).toBe(keys);
  expect(told).toEqual([{ key: KEY, resume: false, why: '1 bytes are no ticket keys' }]);
});

test('collect() has nothing to say where no server speaks TLS', () => {
  const none = new Map();
  const sessions = new KeptSessions({ host, emit: () => {}, open: () => none, adopted: () => none });
  expect(sessions.collect()).toBeUndefined();
});
