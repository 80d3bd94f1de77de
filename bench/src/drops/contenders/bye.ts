/** Owns the rows of this suite. */

import { dispose, startServer } from '../../processes.js';
import type { Contender, Service } from '../contender.js';
import { rootVersionOf } from './common.js';

const KINDS = { http: 'node:http', fastify: 'Fastify', express: 'Express', koa: 'Koa' } as const;

export function byeContenders(): Contender[] {
  const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
  return [
    ...kinds.map((kind) => create(kind, true, false)),
    create('http', true, true),
    create('http', false, false),
    create('fastify', false, false),
  ];
}

function create(kind: keyof typeof KINDS, moves: boolean, pipelined: boolean): Contender {
  const framework = kind === 'http' ? '' : ` ${rootVersionOf(kind)}`;
  return {
    name: `bye, ${KINDS[kind]}${pipelined ? ', pipelining' : ''}${moves ? '' : ', not moving'}`,
    isOurs: true,
    pipelined,
    setup: `${KINDS[kind]}${framework}; SIGUSR1; ${moves ? 'all defaults' : '`moveConnections: false`, else defaults'}`,
    start: () => start(kind, moves),
  };
}

async function start(kind: string, moves: boolean): Promise<Service> {
  const { app, port } = await startServer('bye.mjs', { env: { KIND: kind, MOVE: String(moves) } });
  let generation = 0;
  return {
    port,
    async replace() {
      const { pid } = app.current();
      app.kill('SIGUSR1', pid);
      await app.waitForGeneration(++generation, { timeoutMs: 20_000 });
      await app.waitUntilGone(pid, { timeoutMs: 20_000 });
    },
    [Symbol.asyncDispose]: () => dispose(app),
  };
}
