/** A client in a thread of its own, so that it can write while this thread's event loop is blocked. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Connects `count` sockets on 'connect', writes on 'write'; each time it wakes the blocked thread when all are done. */
const CLIENT = `
const { parentPort, workerData: { port, flag, count } } = require('node:worker_threads');
const net = require('node:net');
const signal = new Int32Array(flag);
const wake = () => { Atomics.add(signal, 0, 1); Atomics.notify(signal, 0); };
const sockets = [];
let text = [];
const each = (act) => { let left = count; const done = () => { if (--left === 0) wake(); }; for (let i = 0; i < count; i++) act(i, done); };
parentPort.on('message', ({ op, data }) => {
  if (op === 'connect') each((i, done) => {
    const socket = net.connect(port, '127.0.0.1', done);
    text[i] = '';
    socket.on('data', (bytes) => { text[i] += bytes; if (text[i].endsWith('.')) parentPort.postMessage({ got: text }); });
    socket.on('error', (error) => { text[i] += error.code; });
    socket.on('close', () => { text[i] += '|'; if (text.every((t) => t.endsWith('|'))) parentPort.postMessage({ closed: text }); });
    sockets.push(socket);
  });
  if (op === 'write') each((i, done) => sockets[i].write(data, done));
});
`;

export class RemoteClient implements AsyncDisposable {
  readonly #flag = new SharedArrayBuffer(4);
  readonly #signal = new Int32Array(this.#flag);
  readonly #worker: Worker;
  /** What every connection received up to its end: `|`, with an error code before it if there was one. */
  readonly closed: Promise<string[]>;

  constructor(port: number, count = 1) {
    this.#worker = new Worker(CLIENT, { eval: true, workerData: { port, flag: this.#flag, count } });
    this.closed = new Promise((resolve) =>
      this.#worker.on('message', (message) => {
        if (message.closed) resolve(message.closed);
      }),
    );
  }

  async started(): Promise<void> {
    await once(this.#worker, 'online');
  }

  /** Waits for an answer that ends in a full stop. */
  async answer(): Promise<void> {
    await once(this.#worker, 'message');
  }

  /** Has the client act, and blocks this thread's event loop until the kernel has it all. */
  blockUntilDone(op: 'connect' | 'write', data?: string): void {
    const before = Atomics.load(this.#signal, 0);
    this.#worker.postMessage({ op, data });
    Atomics.wait(this.#signal, 0, before, 10_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
