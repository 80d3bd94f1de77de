// A service with many idle connections. BYE_CORE: the file of bye-core to use, so that a changed one can be measured.
import { subscribe } from 'node:diagnostics_channel';
import { createAnswering, place, sayReady } from './answering.mjs';

const { processBye } = await import(process.env.BYE_CORE ?? 'bye-core');
subscribe('bye:connections-moved', ({ moved, left, durationMs, slowestMs }) => {
  console.log(`moved ${JSON.stringify({ moved, left, durationMs, slowestMs, at: Date.now() })}`);
});
const bye = processBye();
const server = bye.attach(createAnswering());
server.keepAliveTimeout = 3_600_000;
await new Promise((resolve) => server.listen({ ...place, backlog: 4096 }, resolve));
while (bye.status === 'starting') await new Promise((resolve) => setImmediate(resolve));
sayReady(server, bye.generation);
