import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { testHandler, until } from '@bye/testkit';
import { afterEach, expect, test } from 'vitest';
import { KEEP_ALIVE_CLIENTS, Load } from '../src/load/load.js';
import { countBy } from '../src/report/stats.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function startLoad(answer: Parameters<typeof createServer>[1] = testHandler): Promise<[Load, Server]> {
  const server = createServer(answer).listen(0);
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  const load = new Load({ port });
  await until(() => load.recorder.sent > 200);
  return [load, server];
}

test('Load sees a service that works, and who answers', async () => {
  const [load] = await startLoad();
  const connections = load.connections();
  const sinceMs = performance.now();
  await until(() => load.recorder.sent > 400);
  expect(load.countSurvivors(connections)).toBe(KEEP_ALIVE_CLIENTS);
  expect(load.recorder.durationsIn({ fromMs: sinceMs, toMs: performance.now() }).length).toBeGreaterThan(50);
  await load.stop();
  expect(load.recorder.failures).toEqual([]);
  expect(load.recorder.firstNewcomerMs(0)).toBeLessThan(sinceMs);
  expect(load.recorder.firstNewcomerMs(sinceMs)).toBeUndefined();
});

test('Load counts what is reset, and connections that did not survive', async () => {
  const [load, server] = await startLoad();
  const connections = load.connections();
  // In the middle of a request of somebody.
  await until(() => {
    const before = load.recorder.failures.length;
    server.closeAllConnections();
    return before > 0;
  });
  expect(load.countSurvivors(connections)).toBeLessThan(KEEP_ALIVE_CLIENTS);
  await load.stop();
  expect(load.recorder.failures.every(({ kind }) => ['reset', 'eof-before-answer', 'truncated'].includes(kind))).toBe(
    true,
  );
});

test('Load takes an answer of another status for a failure, and names it', async () => {
  const [load] = await startLoad((_request, response) => response.writeHead(503).end('away'));
  await load.stop();
  expect(countBy(load.recorder.failures.map(({ kind }) => kind))).toEqual({ '503': load.recorder.sent });
});

test('Load fails for a connect that is refused, until refusals are no failures', async () => {
  const [load, server] = await startLoad();
  server.close();
  server.closeAllConnections();
  await until(() => load.recorder.failures.some(({ kind }) => kind === 'refused'));
  load.letRefusalsEnd();
  const failed = load.recorder.failures.length;
  await load.finished();
  expect(load.recorder.failures.length - failed).toBeLessThan(failed);
  expect(load.refused).toBeGreaterThan(0);
});
