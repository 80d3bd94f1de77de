/** The server of the demo: a Fastify application whose every answer can be checked. */
import { createHash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { PID_HEADER, seededStream } from '@bye/testkit';
import Fastify from 'fastify';
import fastifyBye from 'fastify-bye';

if (existsSync(process.env.CRASH_FILE ?? '')) throw new Error('this version has a bug and crashes while it starts');

const app = Fastify();

app.register(fastifyBye);

app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, body, done) => done(null, body));

app.addHook('onRequest', async (_request, reply) => {
  reply.header(PID_HEADER, process.pid);
});

app.get('/fast', async ({ query }) => `ok ${query.n}`);

app.get('/slow', async ({ query }) => {
  await delay(Number(query.ms));
  return `ok ${query.n}`;
});

app.post('/echo', async ({ body }) => {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return `${hash.digest('hex')} ${bytes}`;
});

app.get('/large', ({ query }, reply) => {
  reply.header('Content-Length', query.bytes);
  return reply.send(seededStream(Number(query.seed), Number(query.bytes)));
});

app.get('/headers-set', ({ query }, reply) => reply.header('Connection', 'keep-alive').send(`ok ${query.n}`));

// What the demo wants to know, one line each.
subscribe('bye:ready', ({ pid, generation }) => {
  console.log(`ready pid=${pid} generation=${generation} port=${app.server.address().port}`);
});
subscribe('bye:upgrade-failed', ({ error }) => console.log(`upgrade-failed ${tell(error)}`));
subscribe('bye:upgrade-refused', ({ error }) => console.log(`upgrade-refused ${tell(error)}`));
subscribe('bye:exit', ({ pid, code }) => console.log(`exit pid=${pid} code=${code}`));

await app.listen({ port: Number(process.env.PORT ?? 0) });

function tell({ message, cause }) {
  return cause === undefined ? message : `${message}: ${cause.message}`;
}
