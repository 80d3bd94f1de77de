// A rolling restart with node:cluster, as the example of worker.disconnect() in Node's documentation has it: two workers;
// at SIGUSR2 a new one starts for each, and when it listens the old one is disconnected, and ended 2 s later.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createAnswering, place } from './answering.mjs';

const WORKERS = 2;
const KILL_AFTER_MS = 2000;

if (cluster.isPrimary) await lead();
else createAnswering().listen(place);

async function lead() {
  let workers = await startAll();
  console.log(`ready pid=${process.pid} generation=0 port=${place.port}`);
  process.on('SIGUSR2', async () => {
    const old = workers;
    workers = await startAll();
    await Promise.all(old.map(end));
    console.log('replaced');
  });
}

function startAll() {
  const workers = Array.from({ length: WORKERS }, () => cluster.fork());
  return Promise.all(workers.map((worker) => once(worker, 'listening').then(() => worker)));
}

async function end(worker) {
  const exited = once(worker, 'exit');
  worker.disconnect();
  const timer = setTimeout(() => worker.process.kill(), KILL_AFTER_MS);
  await exited;
  clearTimeout(timer);
}
