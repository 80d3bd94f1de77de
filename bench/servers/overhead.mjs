// A small answer, with bye or without: node overhead.mjs <framework> <plain|bye>. Says over IPC what it has used of the CPU.
import { createServer } from 'node:http';

const [framework, variant] = process.argv.slice(2);
const attached = variant === 'bye';
const BODY = { hello: 'world' };

/** @type {Record<string, () => Promise<import('node:http').Server>>} */
const frameworks = {
  async http() {
    const server = createServer((_request, response) => {
      response.setHeader('Content-Type', 'application/json; charset=utf-8');
      response.end(JSON.stringify(BODY));
    });
    if (attached) {
      const { processBye } = await import('bye-core');
      processBye().attach(server);
    }
    return listening(server.listen(0, '127.0.0.1'));
  },
  async fastify() {
    const { fastify } = await import('fastify');
    const app = fastify();
    if (attached) {
      const { fastifyBye } = await import('fastify-bye');
      await app.register(fastifyBye);
    }
    app.get('/', async () => BODY);
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
  async express() {
    const { default: express } = await import('express');
    const app = express();
    app.get('/', (_request, response) => {
      response.json(BODY);
    });
    if (attached) (await import('express-bye')).expressBye(app);
    return listening(app.listen(0, '127.0.0.1'));
  },
  async koa() {
    const { default: Koa } = await import('koa');
    const app = new Koa();
    app.use((context) => {
      context.body = BODY;
    });
    if (attached) (await import('koa-bye')).koaBye(app);
    return listening(app.listen(0, '127.0.0.1'));
  },
};

const server = await frameworks[framework]();
process.on('message', () => process.send?.(process.cpuUsage()));
process.send?.({ port: server.address().port });

/** @param {import('node:http').Server} started */
function listening(started) {
  return new Promise((resolve) => started.once('listening', () => resolve(started)));
}
