import { setTimeout as delay } from 'node:timers/promises';
import Koa from 'koa';
import { koaBye } from 'koa-bye';

const version = process.env.VERSION ?? '1'; // change it, then: kill -USR1 <pid>
const port = Number(process.env.PORT ?? 8080);
const app = new Koa();

const routes = {
  'GET /': () => `Hello from version ${version}, process ${process.pid}\n`,
  'GET /slow': async ({ query }) => {
    await delay(Number(query.ms ?? 1000));
    return `That took a while in process ${process.pid}\n`;
  },
  'POST /upload': async ({ req }) => {
    let bytes = 0;
    for await (const chunk of req) bytes += chunk.length;
    return `${bytes} bytes reached process ${process.pid}\n`;
  },
  'GET /large': ({ query }) => Buffer.alloc(Number(query.kib ?? 64) * 1024, 'bye '),
};

app.use(async (ctx) => {
  const route = routes[`${ctx.method} ${ctx.path}`];
  if (route) ctx.body = await route(ctx);
});

koaBye(app).listen(port, () => console.log(`Listening on port ${port}, process ${process.pid}`));
