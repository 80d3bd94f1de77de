// Fifty applications in one process, as a test suite of a user has them; the packages as they are built.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { until } from '@bye/testkit';
import { expect, test } from 'vitest';

const require = createRequire(import.meta.url);
const { processBye } = require('bye-core');

type Started = { server: Server; close: () => Promise<unknown> };

const closeOf = (server: Server) => () => new Promise((resolve) => server.close(resolve));

async function open(server: Server): Promise<Started> {
  if (!server.listening) await once(server, 'listening');
  return { server, close: closeOf(server) };
}

const BUILDERS: Record<string, () => Promise<Started>> = {
  http: () =>
    open(
      processBye()
        .attach(createServer((_request, response) => response.end('hello')))
        .listen(0, '127.0.0.1'),
    ),
  async fastify() {
    const app = require('fastify')();
    await app.register(require('fastify-bye'));
    app.get('/', async () => 'hello');
    await app.listen({ port: 0, host: '127.0.0.1' });
    return { server: app.server, close: () => app.close() };
  },
  express: () => openExpress(require('express')),
  express4: () => openExpress(require('express4')),
  koa: () => openKoa(require('koa').default ?? require('koa')),
  koa2: () => openKoa(require('koa2')),
};

function openExpress(express: () => { get: (path: string, handler: unknown) => void }): Promise<Started> {
  const app = express();
  app.get('/', (_request: unknown, response: { send: (text: string) => void }) => response.send('hello'));
  return open(require('express-bye')(app).listen(0, '127.0.0.1'));
}

function openKoa(Koa: new () => { use: (middleware: unknown) => void }): Promise<Started> {
  const app = new Koa();
  app.use((context: { body: string }) => {
    context.body = 'hello';
  });
  return open(require('koa-bye')(app).listen(0, '127.0.0.1'));
}

/** What a process has that outlives an application: listeners of signals and events, and what keeps it alive. */
function stateOfProcess() {
  const events = [...process.eventNames()].map((name) => [String(name), process.listenerCount(name)] as const);
  return {
    listeners: Object.fromEntries(events.filter(([, count]) => count > 0)),
    servers: process.getActiveResourcesInfo().filter((name) => /TCPServer|TCPSocket/.test(name)).length,
    status: processBye().status === 'stopped',
  };
}

test.each(Object.keys(BUILDERS))(
  'fifty %s apps are built, asked and closed, and nothing is left of them',
  async (kind) => {
    const build = BUILDERS[kind] as () => Promise<Started>;
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const before = stateOfProcess();
    for (let n = 0; n < 50; n++) {
      const { server, close } = await build();
      const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      expect(await response.text()).toBe('hello');
      const startedAt = performance.now();
      await close();
      expect(performance.now() - startedAt).toBeLessThan(2000);
    }
    await until(() => stateOfProcess().servers === before.servers);
    expect(stateOfProcess()).toEqual(before);
    expect(processBye().health()).toMatchObject({ inFlight: 0, connections: 0 });
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  },
);
