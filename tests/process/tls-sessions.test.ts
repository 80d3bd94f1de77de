// TLS sessions through upgrades to other release paths, each with a client that resumes what it has.
import { readFileSync, writeFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { expect, it } from 'vitest';
import { type TlsServerSpec, TlsService, visit } from './tls.js';

const KINDS = ['https', 'http2', 'http2 and 1', 'tls', 'fastify', 'fastify http2'] as const;
const SSL_OP_NO_TICKET = 1 << 14;

function clientOf({ kind }: TlsServerSpec, maxVersion: 'TLSv1.2' | 'TLSv1.3'): ConnectionOptions {
  return { maxVersion, ...(kind?.includes('http2') ? { ALPNProtocols: ['h2'] } : {}) };
}

it('sessions of every kind of server resume in the next generations, whatever their path', async () => {
  const servers = [...KINDS.map((kind) => ({ kind })), { kind: 'https', names: ['a.example'] } as const];
  await using service = new TlsService({ servers }, ['a.example']);
  const ports = await service.ports();
  const clients = ports.flatMap((port, index) =>
    (['TLSv1.2', 'TLSv1.3'] as const).map((version) => {
      const spec: TlsServerSpec = servers[index] ?? {};
      const servername = spec.names?.[0];
      return { port, spec, options: { ...clientOf(spec, version), ...(servername ? { servername } : {}) } };
    }),
  );
  const first = await Promise.all(clients.map(({ port, options }) => visit(port, options)));
  expect(first.filter(({ isReused }) => isReused)).toEqual([]);
  // Each server has keys of its own.
  expect(new Set(first.map(({ said }) => said.keys)).size).toBe(servers.length);
  let last = first;
  for (let generation = 1; generation <= 2; generation++) {
    service.deploy({ servers });
    const pid = await service.upgrade(generation);
    const before = last;
    last = await Promise.all(
      clients.map(({ port, options }, index) => visit(port, { ...options, session: before[index]?.session as Buffer })),
    );
    for (const [index, { isReused, said }] of last.entries()) {
      const { spec, options } = clients[index] as (typeof clients)[number];
      const what = `${spec.kind} ${options.maxVersion} in generation ${generation}`;
      expect({ isReused, pid: said.pid, keys: said.keys }, what).toEqual({
        isReused: true,
        pid,
        keys: before[index]?.said.keys,
      });
      expect(said.argv, what).not.toBe(before[index]?.said.argv);
      expect(said.alpnProtocol, what).toBe(before[index]?.said.alpnProtocol);
    }
  }
  // Those of the first generation still do.
  for (const [index, { port, options }] of clients.entries()) {
    const { session } = first[index] as (typeof first)[number];
    expect((await visit(port, { ...options, session })).isReused).toBe(true);
  }
  // The keys are secret.
  const { pid } = last[0]?.said ?? {};
  const seen = [service.app.log.toString(), ...['environ', 'cmdline'].map((name) => readProc(pid, name))].join();
  for (const { said } of last) {
    const keys = Buffer.from(said.keys, 'hex');
    expect(seen).not.toContain(said.keys);
    expect(seen).not.toContain(keys.toString('base64'));
  }
});

it('keys and contexts of the application stay its own', async () => {
  const choices = ['ticketKeys', 'setTicketKeys', 'sessionIdContext'] as const;
  await using service = new TlsService({ servers: choices.map((own) => ({ own })) });
  const ports = await service.ports();
  const before = await Promise.all(ports.map((port) => visit(port)));
  service.deploy({ servers: choices.map(() => ({})) });
  await service.upgrade();
  const after = await Promise.all(ports.map((port, index) => visit(port, { session: sessionOf(before[index]) })));
  expect(after.map(({ isReused }) => isReused)).toEqual([false, false, false]);
  expect(after.filter(({ said }, index) => said.keys === before[index]?.said.keys)).toEqual([]);
  // Before the application has asked for bye.
  service.deploy({ servers: [{ own: 'ticketKeys' }, { own: 'setTicketKeys early' }, { own: 'sessionIdContext' }] });
  await service.upgrade(2);
  const own = await Promise.all(ports.map((port) => visit(port)));
  expect(own.slice(0, 2).map(({ said }) => said.keys)).toEqual(before.slice(0, 2).map(({ said }) => said.keys));
  const why = 'the application has ticket keys or a session id context of its own';
  const told = service.app.log.lines.filter(({ text }) => text.includes(`do not resume: ${why}`));
  expect(told).toHaveLength(3);
});

it('keys that Node makes anew with a certificate, up to the last moment, are the ones that count', async () => {
  await using service = new TlsService({ servers: [{}] });
  const [port = 0] = await service.ports();
  service.deploy({ hold: true, servers: [{}] });
  const old = service.app.current().pid;
  service.app.kill('SIGUSR1', old);
  await service.app.waitForLine('has loaded bye');
  const before = await visit(port);
  await visit(port, {}, '/renew');
  const after = await visit(port);
  expect(after.said.keys).not.toBe(before.said.keys);
  writeFileSync(service.scratch.path('go'), '');
  const { pid } = await service.app.waitForGeneration(1);
  await service.app.waitUntilGone(old);
  expect(await visit(port, { session: after.session })).toMatchObject({ isReused: true, said: { pid } });
  expect(await visit(port, { session: before.session })).toMatchObject({ isReused: false, said: { pid } });
});

it('sessions resume as well where no connections move', async () => {
  const version = { options: { moveConnections: false }, servers: [{}] };
  await using service = new TlsService(version);
  const [port = 0] = await service.ports();
  const { session } = await visit(port);
  service.deploy(version);
  const pid = await service.upgrade();
  expect(await visit(port, { session })).toMatchObject({ isReused: true, said: { pid } });
});

it("sessions in the application's own store resume by their ids", async () => {
  const servers = [{ store: true, tls: { secureOptions: SSL_OP_NO_TICKET } }];
  await using service = new TlsService({ servers });
  const [port = 0] = await service.ports();
  const maxVersion = 'TLSv1.2';
  const { session } = await visit(port, { maxVersion });
  service.deploy({ servers });
  const pid = await service.upgrade();
  expect(await visit(port, { maxVersion, session })).toMatchObject({ isReused: true, said: { pid } });
});

const sessionOf = (visited: { session: Buffer } | undefined) => visited?.session as Buffer;
const readProc = (pid: number | undefined, name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
