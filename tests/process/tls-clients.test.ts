// Names, protocols and certificates of clients: a server that looks at them does so alike before and after an upgrade.
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { expect, it } from 'vitest';
import { TlsService, type TlsVersion, visit } from './tls.js';

const MUTUAL = { requestCert: true, ca: 'client-cert' };
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** Whose certificate a client shows. */
function as(service: TlsService, name: string): ConnectionOptions {
  const [key, cert] = ['key', 'cert'].map((part) => readFileSync(service.scratch.path(`${name}-${part}.pem`)));
  return { key, cert } as ConnectionOptions;
}

/** What a client gets to see, and what the server says of it; 'refused' if it may not come in. */
async function meet(port: number, options: ConnectionOptions): Promise<string> {
  const visited = await visit(port, options).catch(() => undefined);
  if (!visited) return 'refused';
  const { authorized, client, alpnProtocol, servername } = visited.said;
  const names = [...(servername ? [`as ${servername}`] : []), ...(alpnProtocol ? [`by ${alpnProtocol}`] : [])];
  return [visited.server, ...names, `sees ${client}`, ...(authorized ? ['authorized'] : [])].join(' ');
}

it('names, protocols and certificates of clients are looked at alike before and after', async () => {
  const version: TlsVersion = {
    servers: [
      { kind: 'https', names: ['a.example', 'b.example'] },
      { kind: 'http2 and 1' },
      { kind: 'https', tls: MUTUAL },
      { kind: 'https', tls: { ...MUTUAL, rejectUnauthorized: false } },
    ],
  };
  await using service = new TlsService(version, ['a.example', 'b.example', 'client', 'stranger']);
  const [named = 0, versatile = 0, strict = 0, open = 0] = await service.ports();
  const meetAll = () =>
    Promise.all(
      VERSIONS.flatMap((maxVersion) => [
        ...['a.example', 'b.example', 'c.example'].map((servername) => meet(named, { maxVersion, servername })),
        ...['h2', 'http/1.1'].map((protocol) => meet(versatile, { maxVersion, ALPNProtocols: [protocol] })),
        ...[strict, open].flatMap((port) => [
          meet(port, { maxVersion }),
          ...['client', 'stranger'].map((name) => meet(port, { maxVersion, ...as(service, name) })),
        ]),
      ]),
    );
  const before = await meetAll();
  expect(before.slice(0, before.length / 2)).toEqual([
    'a.example as a.example sees undefined',
    'b.example as b.example sees undefined',
    'localhost as c.example sees undefined',
    'localhost by h2 sees undefined',
    'localhost by http/1.1 sees undefined',
    'refused',
    'localhost sees client authorized',
    'refused',
    'localhost sees undefined',
    'localhost sees client authorized',
    'localhost sees stranger',
  ]);
  service.deploy(version);
  await service.upgrade();
  expect(await meetAll()).toEqual(before);
});

it.each(VERSIONS)(
  'a client that showed its certificate to the old process is known to the new one: %s',
  async (maxVersion) => {
    const version = { servers: [{ tls: MUTUAL }] };
    await using service = new TlsService(version, ['client']);
    const [port = 0] = await service.ports();
    const options = { maxVersion, ...as(service, 'client') };
    const { session } = await visit(port, options);
    service.deploy(version);
    const pid = await service.upgrade();
    const after = await visit(port, { ...options, session });
    expect(after).toMatchObject({ isReused: true, said: { pid, authorized: true, client: 'client' } });
  },
);

it.each([
  ['asks for certificates', {}, MUTUAL],
  ['trusts others', MUTUAL, { ...MUTUAL, ca: 'other-cert' }],
])('no session gets past a new version that %s', async (_title, first, second) => {
  await using service = new TlsService({ servers: [{ tls: first }] }, ['client', 'other']);
  const [port = 0] = await service.ports();
  const options = as(service, 'client');
  const sessions = await Promise.all(VERSIONS.map((maxVersion) => visit(port, { ...options, maxVersion })));
  service.deploy({ servers: [{ tls: second }] });
  await service.upgrade();
  for (const [index, maxVersion] of VERSIONS.entries()) {
    const session = sessions[index]?.session as Buffer;
    // Whether it shows a certificate or not.
    await expect(visit(port, { maxVersion, session })).rejects.toThrow();
    if (first === MUTUAL) await expect(visit(port, { ...options, maxVersion, session })).rejects.toThrow();
  }
  await service.app.waitForLine('do not resume: the server does not let in the same clients in the same way');
});

it('no session gets past a new version that knows a pre-shared key no more', async () => {
  const spec = { kind: 'tls', tls: { ciphers: 'PSK+AES256:ALL', maxVersion: 'TLSv1.2' } } as const;
  const options: ConnectionOptions = {
    ciphers: 'PSK+AES256',
    maxVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk: Buffer.alloc(48, 7), identity: 'bob' }),
  };
  await using service = new TlsService({ servers: [{ ...spec, psk: 'bob' }] });
  const [port = 0] = await service.ports();
  const { session } = await visit(port, options);
  expect(await visit(port, { ...options, session })).toMatchObject({ isReused: true });
  service.deploy({ servers: [{ ...spec, psk: 'alice' }] });
  await service.upgrade();
  await expect(visit(port, { ...options, session })).rejects.toThrow();
});

it('no session gets past a context for its name that a new version adds later', async () => {
  const version = { servers: [{ tls: MUTUAL }] };
  await using service = new TlsService(version, ['client', 'other']);
  const [port = 0] = await service.ports();
  const client = { ...as(service, 'client'), servername: 'tenant.example' };
  const sessions = await Promise.all(VERSIONS.map((maxVersion) => visit(port, { ...client, maxVersion })));
  service.deploy(version);
  await service.upgrade();
  for (const [index, maxVersion] of VERSIONS.entries()) {
    const session = sessions[index]?.session as Buffer;
    expect(await visit(port, { ...client, maxVersion, session })).toMatchObject({ isReused: true });
  }
  await visit(port, as(service, 'client'), '/tenant');
  for (const [index, maxVersion] of VERSIONS.entries()) {
    const session = sessions[index]?.session as Buffer;
    await expect(visit(port, { ...client, maxVersion, session })).rejects.toThrow();
  }
});
