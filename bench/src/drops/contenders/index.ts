/** Owns the order of the rows. */
import type { Contender, Stopper } from '../contender.js';
import { byeContenders } from './bye.js';
import { clusterContender } from './cluster.js';
import { rootVersionOf, versionOf } from './common.js';
import { haproxyContender } from './haproxy.js';
import { nginxContenders } from './nginx.js';
import { pm2Contender } from './pm2.js';
import { restartContenders } from './restart.js';

export function contenders(): Contender[] {
  return [
    ...byeContenders(),
    ...nginxContenders(),
    haproxyContender(),
    clusterContender(),
    pm2Contender(),
    ...restartContenders(),
  ];
}

export function stoppers(): Stopper[] {
  const fastify = `Fastify ${rootVersionOf('fastify')}`;
  return [
    { name: 'bye, node:http', isOurs: true, setup: 'all defaults', server: 'bye.mjs', env: { KIND: 'http' } },
    {
      name: 'bye, Fastify',
      isOurs: true,
      setup: `${fastify}, all defaults`,
      server: 'bye.mjs',
      env: { KIND: 'fastify' },
    },
    { name: 'server.close()', setup: 'exit when it is done', server: 'close.mjs' },
    peer('http-terminator', 'README, defaults (1000 ms)'),
    peer('stoppable', 'README, default (no limit to the grace)'),
    { ...peer('@godaddy/terminus', 'README, defaults (1000 ms)'), server: 'terminus.mjs' },
    peer('http-graceful-shutdown', 'README, defaults (30 s)'),
    { name: 'fastify.close()', setup: `${fastify}, defaults, exit when it is done`, server: 'fastify-close.mjs' },
    peer('close-with-grace', `${fastify}, the README's example, defaults (10 s)`),
  ];
}

function peer(name: string, setup: string): Stopper {
  return { name, setup: `${versionOf(name)}; ${setup}`, server: `${name}.mjs` };
}
