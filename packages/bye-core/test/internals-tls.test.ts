import { createSecureServer } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { createServer, Server, type TlsOptions } from 'node:tls';
import { expect, test } from 'vitest';
import {
  recognitionOf,
  sessionTimeoutMsOf,
  setRecognition,
  setTicketKeys,
  trustOf,
  watchTicketKeys,
} from '../src/internals-tls.js';
import { createCertificate } from './drain/tls.js';

watchTicketKeys();
const KEYS = Buffer.alloc(48, 7);
const { cert } = createCertificate();
const other = createCertificate().cert;

test.each([
  ['tls', createServer()],
  ['https', createHttps({})],
  ['http2', createSecureServer({}) as Server],
])('recognitionOf() gives what Node made for a server of %s', (_title, server) => {
  expect(recognitionOf(server, undefined)?.ticketKeys).toEqual(server.getTicketKeys());
});

test.each([
  ['the option ticketKeys', () => createServer({ ticketKeys: KEYS })],
  ['the option sessionIdContext', () => createServer({ sessionIdContext: 'mine' })],
  ['setTicketKeys()', () => withKeys(createHttps({}))],
  ['setTicketKeys() of an HTTP/2 server', () => withKeys(createSecureServer({}) as Server)],
  ['ticketKeys of setSecureContext()', () => withContext({ ticketKeys: KEYS })],
  ['sessionIdContext of setSecureContext()', () => withContext({ sessionIdContext: 'mine' })],
])('recognitionOf() leaves to the application what it has set by %s', (_title, create) => {
  expect(recognitionOf(create(), undefined)).toBeUndefined();
});

test('recognitionOf() leaves a server alone that Node made in another way', () => {
  const server = createServer();
  Reflect.set(server, '_sharedCreds', undefined);
  expect(recognitionOf(server, undefined)).toBeUndefined();
});

test('setRecognition() and setTicketKeys() do not make the keys the application’s own', () => {
  const server = createServer();
  const inherited = { ticketKeys: KEYS, sessionIdContext: 'of the old process' };
  setRecognition(server, inherited);
  expect(recognitionOf(server, inherited)).toEqual(inherited);
  expect(recognitionOf(server, undefined)).toBeUndefined();
  setTicketKeys(server, Buffer.alloc(48, 8));
  expect(recognitionOf(server, inherited)?.ticketKeys).toEqual(Buffer.alloc(48, 8));
  server.setTicketKeys(KEYS);
  expect(recognitionOf(server, inherited)).toBeUndefined();
});

test('watchTicketKeys() wraps once', () => {
  const { setTicketKeys: wrapped } = Server.prototype;
  watchTicketKeys();
  expect(Server.prototype.setTicketKeys).toBe(wrapped);
});

const MUTUAL: TlsOptions = { requestCert: true, ca: [cert] };

test.each<[string, TlsOptions, TlsOptions]>([
  ['the certificate', { cert }, { cert: other }],
  ['bytes or text of an authority', MUTUAL, { requestCert: true, ca: [String(cert)] }],
])('trustOf() is the same whatever %s', (_title, one, two) => {
  expect(trustOf(createServer(one))).toBeTypeOf('string');
  expect(trustOf(createServer(one))).toBe(trustOf(createServer(two)));
});

test.each<[string, TlsOptions, TlsOptions]>([
  ['asking for certificates', { ca: [cert] }, MUTUAL],
  ['refusing who has none', { ...MUTUAL, rejectUnauthorized: false }, MUTUAL],
  ['authorities', MUTUAL, { requestCert: true, ca: [other] }],
  ['ciphers', {}, { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }],
  ['the lowest version', {}, { minVersion: 'TLSv1.3' }],
  ['the highest version', {}, { maxVersion: 'TLSv1.2' }],
  ['signature algorithms', {}, { sigalgs: 'ecdsa_secp256r1_sha256' }],
  ['options of OpenSSL', {}, { secureOptions: 4 }],
])('trustOf() differs with %s', (_title, one, two) => {
  expect(trustOf(createServer(one))).not.toBe(trustOf(createServer(two)));
});

test.each<[string, () => Server]>([
  ['the authorities of the system', () => createServer({ requestCert: true })],
  ['a callback for names', () => createServer({ ...MUTUAL, SNICallback: (_name, done) => done(null) })],
  ['contexts for names', () => withName(createServer(MUTUAL))],
])('trustOf() does not compare where certificates of clients are asked for with %s', (_title, create) => {
  expect(trustOf(create())).toBeUndefined();
});

test.each([['requestCert'], ['rejectUnauthorized'], ['_contexts'], ['ca']])(
  'trustOf() does not compare where Node has no %s any more',
  (name) => {
    const server = createServer();
    Reflect.deleteProperty(server, name);
    expect(trustOf(server)).toBeUndefined();
  },
);

test('trustOf() does not compare where clients may have a pre-shared key', () => {
  expect(trustOf(createServer({ pskCallback: () => null }))).toBeUndefined();
});

test('trustOf() compares contexts for names where nobody is asked for a certificate', () => {
  expect(trustOf(withName(createServer()))).toBe(trustOf(createServer()));
});

test('sessionTimeoutMsOf() is the option, or five minutes', () => {
  expect(sessionTimeoutMsOf(createServer())).toBe(300_000);
  expect(sessionTimeoutMsOf(createServer({ sessionTimeout: 7 }))).toBe(7000);
});

function withKeys(server: Server): Server {
  server.setTicketKeys(KEYS);
  return server;
}

function withContext(options: TlsOptions): Server {
  const server = createServer();
  server.setSecureContext(options);
  return server;
}

function withName(server: Server): Server {
  server.addContext('a.example', {});
  return server;
}
