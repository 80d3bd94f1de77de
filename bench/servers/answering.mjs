// What every server under test has in common: the handler, and the line that says where it listens.
import { createServer } from 'node:http';
import { testHandler } from '@bye/testkit';

/** Answers the routes of the load; the same in every server. */
export function answer(request, response) {
  if (!testHandler(request, response)) response.writeHead(404).end();
}

/** @returns a server of node:http with that handler, as Node sets it up */
export function createAnswering() {
  return createServer(answer);
}

/** @returns the same handler as a Fastify app */
export async function createFastify() {
  const { default: fastify } = await import('fastify');
  const app = fastify();
  app.all('/*', (request, reply) => {
    reply.hijack();
    answer(request.raw, reply.raw);
  });
  return app;
}

/** Where to listen: PORT, on loopback. */
export const place = {
  port: Number(process.env.PORT ?? 0),
  host: '127.0.0.1',
  ...(process.env.REUSE_PORT === '1' ? { reusePort: true } : {}),
};

/** Says that the server listens. */
export function sayReady(server, generation = 0) {
  console.log(`ready pid=${process.pid} generation=${generation} port=${server.address().port}`);
}
