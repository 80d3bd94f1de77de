import { setTimeout as delay } from 'node:timers/promises';
import Fastify from 'fastify';
import fastifyBye from 'fastify-bye';

const version = process.env.VERSION ?? '1'; // change it, then: kill -USR1 <pid>
const port = Number(process.env.PORT ?? 8080);
const app = Fastify({ logger: { level: 'warn' } });

app.register(fastifyBye);

app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, body, done) => done(null, body));

app.get('/', async () => `Hello from version ${version}, process ${process.pid}\n`);

app.get('/slow', async (request) => {
  await delay(Number(request.query.ms ?? 1000));
  return `That took a while in process ${process.pid}\n`;
});

app.post('/upload', async (request) => {
  let bytes = 0;
  for await (const chunk of request.body) bytes += chunk.length;
  return `${bytes} bytes reached process ${process.pid}\n`;
});

app.get('/large', async (request) => Buffer.alloc(Number(request.query.kib ?? 64) * 1024, 'bye '));

await app.listen({ port });
console.log(`Listening on port ${port}, process ${process.pid}`);
