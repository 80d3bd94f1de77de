import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { expressBye } from 'express-bye';

const version = process.env.VERSION ?? '1'; // change it, then: kill -USR1 <pid>
const port = Number(process.env.PORT ?? 8080);
const app = express();

app.get('/', (_req, res) => {
  res.send(`Hello from version ${version}, process ${process.pid}\n`);
});

app.get('/slow', async (req, res) => {
  await delay(Number(req.query.ms ?? 1000));
  res.send(`That took a while in process ${process.pid}\n`);
});

app.post('/upload', async (req, res) => {
  let bytes = 0;
  for await (const chunk of req) bytes += chunk.length;
  res.send(`${bytes} bytes reached process ${process.pid}\n`);
});

app.get('/large', (req, res) => {
  res.send(Buffer.alloc(Number(req.query.kib ?? 64) * 1024, 'bye '));
});

expressBye(app).listen(port, () => console.log(`Listening on port ${port}, process ${process.pid}`));
