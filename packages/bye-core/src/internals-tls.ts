/** Every undocumented member of Node that keeping TLS sessions needs; the others are in `internals.ts`. */

import { createHash } from 'node:crypto';
import { DEFAULT_CIPHERS, DEFAULT_MAX_VERSION, DEFAULT_MIN_VERSION, type SecureContext, Server } from 'node:tls';

/** What makes a server recognise a session. The keys are secret. */
export interface Recognition {
  /** Node's three keys for tickets, 48 bytes in all. */
  readonly ticketKeys: Buffer;
  /** A session counts only where it has the same. Node makes it of `process.argv`, so each release has another. */
  readonly sessionIdContext: string;
}

/** What Node keeps of the options of a server. */
const TRUST = ['ca', 'crl', 'ciphers', 'sigalgs', 'minVersion', 'maxVersion', 'secureProtocol', 'secureOptions'];

const DEFAULTS: Readonly<Record<string, unknown>> = {
  ciphers: DEFAULT_CIPHERS,
  minVersion: DEFAULT_MIN_VERSION,
  maxVersion: DEFAULT_MAX_VERSION,
};

/** How long a ticket holds, unless the server says otherwise; in milliseconds. */
const SESSION_TIMEOUT_MS = 300_000;

/** On the server, as the copy of bye-core that saw the call may be another one. */
const OWN_KEYS = Symbol.for('bye.ownTicketKeys');

interface TlsInternals {
  readonly _sharedCreds?: { readonly context?: SecureContext['context'] };
  readonly _contexts?: readonly unknown[];
  readonly ticketKeys?: unknown;
  sessionIdContext?: unknown;
  readonly sessionTimeout?: unknown;
  readonly requestCert?: unknown;
  readonly rejectUnauthorized?: unknown;
  readonly ca?: unknown;
  readonly pfx?: unknown;
  [OWN_KEYS]?: true;
}

function internalsOf(server: Server): TlsInternals {
  return server as unknown as TlsInternals;
}

/**
 * From now on a server knows that its application has called `setTicketKeys`: nothing else tells those keys from the ones
 * that Node made. https and http2 inherit the method from tls. Once per process.
 */
export function watchTicketKeys(prototype: { setTicketKeys(keys: Buffer): void } = Server.prototype): void {
  if (OWN_KEYS in prototype) return;
  const original = prototype.setTicketKeys;
  Object.defineProperty(prototype, OWN_KEYS, { value: false });
  prototype.setTicketKeys = function setTicketKeys(this: Server, keys: Buffer): void {
    Reflect.apply(original, this, [keys]);
    Object.defineProperty(this, OWN_KEYS, { value: true, configurable: true });
  };
}

/**
 * @param inherited what came from the old process, which is not the application's own
 * @returns `undefined` if the application has keys or a context of its own, or Node is not as expected
 */
export function recognitionOf(server: Server, inherited: Recognition | undefined): Recognition | undefined {
  const { ticketKeys, sessionIdContext, _sharedCreds: credentials, [OWN_KEYS]: hasOwn } = internalsOf(server);
  const isOurs = sessionIdContext === inherited?.sessionIdContext || sessionIdContext === nodesContext();
  if (ticketKeys !== undefined || hasOwn === true || typeof sessionIdContext !== 'string' || !isOurs) return undefined;
  if (typeof Reflect.get(credentials?.context ?? {}, 'setSessionIdContext') !== 'function') return undefined;
  return { ticketKeys: server.getTicketKeys(), sessionIdContext };
}

/** For handshakes that begin from now on. */
export function setRecognition(server: Server, { ticketKeys, sessionIdContext }: Recognition): void {
  const internals = internalsOf(server);
  const { context } = internals._sharedCreds as { context: { setSessionIdContext(text: string): void } };
  context.setSessionIdContext(sessionIdContext);
  internals.sessionIdContext = sessionIdContext;
  setTicketKeys(server, ticketKeys);
}

/** Without making them the application's own. */
export function setTicketKeys(server: Server, keys: Buffer): void {
  const hadOwn = internalsOf(server)[OWN_KEYS] === true;
  server.setTicketKeys(keys);
  if (!hadOwn) Reflect.deleteProperty(server, OWN_KEYS);
}

/** How long a session that begins now can be resumed, in milliseconds. */
export function sessionTimeoutMsOf(server: Server): number {
  const { sessionTimeout } = internalsOf(server);
  return typeof sessionTimeout === 'number' && sessionTimeout > 0 ? sessionTimeout * 1000 : SESSION_TIMEOUT_MS;
}

/**
 * A hash of whom a server lets in, and how. Node does not look at a client's certificate again where a session is resumed,
 * and lets in one without any (Node 20 and 22, TLS 1.3): what one server has granted must not count with another that
 * would not grant it.
 *
 * @returns `undefined` where it cannot be compared: certificates of clients may be asked for by contexts or a callback for
 * names, by a PFX, or by the authorities of the system; and who has a pre-shared key is said by a callback, which is not
 * asked again (TLS 1.2)
 */
export function trustOf(server: Server): string | undefined {
  const { requestCert, rejectUnauthorized, ca, pfx, _contexts: contexts } = internalsOf(server);
  const [snicallback, pskcallback] = ['snicallback', 'pskcallback'].map((name) => symbolOf(server, name));
  if (typeof requestCert !== 'boolean' || typeof rejectUnauthorized !== 'boolean') return undefined;
  if (!Array.isArray(contexts) || !snicallback || !pskcallback || !TRUST.every((name) => name in server))
    return undefined;
  if (Reflect.get(server, pskcallback) !== undefined) return undefined;
  const values = TRUST.map((name) => Reflect.get(server, name) ?? DEFAULTS[name] ?? null);
  const hasManyFaces = contexts.length > 0 || Reflect.get(server, snicallback) !== undefined;
  if (requestCert && (hasManyFaces || pfx !== undefined || ca === undefined)) return undefined;
  const text = JSON.stringify([requestCert, rejectUnauthorized, ...values.map(plain)]);
  return createHash('sha256').update(text).digest('hex');
}

function symbolOf(server: Server, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(server).find(({ description }) => description === name);
}

/** Certificates may be given as text or as bytes, one or several. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}

/** As `tls.Server` makes it of the arguments. */
function nodesContext(): string {
  return createHash('sha1').update(process.argv.join(' ')).digest('hex').slice(0, 32);
}
