// This suite, as its README says: KIND=http|fastify|express|koa. MOVE=false: live connections do not move.
import { answer, createAnswering, createFastify, place, sayReady } from './answering.mjs';

const options = process.env.MOVE === 'false' ? { moveConnections: false } : {};
const start = { http, fastify, express, koa }[process.env.KIND ?? 'http'];
const { bye, server } = await start();
if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
while (bye.status === 'starting') await new Promise((resolve) => setImmediate(resolve));
sayReady(server, bye.generation);

async function http() {
  const { processBye } = await import('bye-core');
  const bye = processBye(options);
  return { bye, server: bye.attach(createAnswering()).listen(place) };
}

async function fastify() {
  const { default: fastifyBye } = await import('fastify-bye');
  const app = await createFastify();
  await app.register(fastifyBye, options);
  await app.listen(place);
  return { bye: app.bye, server: app.server };
}

async function express() {
  const [{ default: express }, { expressBye, processBye }] = await Promise.all([
    import('express'),
    import('express-bye'),
  ]);
  const app = expressBye(express(), options);
  app.use(answer);
  return { server: app.listen(place.port, place.host), bye: processBye() };
}

async function koa() {
  const [{ default: Koa }, { koaBye, processBye }] = await Promise.all([import('koa'), import('koa-bye')]);
  const app = new Koa();
  app.use((context) => {
    answer(context.req, context.res);
    context.respond = false;
  });
  return { server: koaBye(app, options).listen(place), bye: processBye() };
}
