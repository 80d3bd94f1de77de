// Compiled, never run: what an ES module of a user sees of the packages.
import type { Server } from 'node:http';
import { Bye, type ByeOptions, processBye } from 'bye-core';
import { createTestBye } from 'bye-core/testing';
import express, { type Express } from 'express';
import defaultExpressBye, { expressBye } from 'express-bye';
import fastify, { type FastifyInstance } from 'fastify';
import defaultFastifyBye, { type FastifyByeOptions, fastifyBye } from 'fastify-bye';
import Koa from 'koa';
import defaultKoaBye, { koaBye } from 'koa-bye';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function expectSame<A, B>(same: Same<A, B>): void;

expectSame<FastifyInstance['bye'], Bye>(true);
const app = fastify();
await app.register(fastifyBye);
await app.register(defaultFastifyBye, { bye: createTestBye(), shutdownTimeoutMs: 1000 } satisfies FastifyByeOptions);
const task: Promise<number> = app.bye.spawn(async (signal) => (signal.aborted ? 0 : 1));
// @ts-expect-error An option that bye does not know.
await app.register(fastifyBye, { shutdownTimeout: 1000 });

const expressApp = expressBye(express());
expectSame<typeof expressApp, Express>(true);
const server = defaultExpressBye(express(), { health: '/internal' }).listen(8080, '127.0.0.1', () => {});
expectSame<typeof server, Server>(true);
// @ts-expect-error Not an Express application.
expressBye({});

class OwnKoa extends Koa {
  readonly own = true;
}
expectSame<ReturnType<typeof makeOwn>, OwnKoa>(true);
function makeOwn() {
  return koaBye(new OwnKoa(), { bye: processBye() });
}
const koaServer: Server = defaultKoaBye(new Koa()).listen(8080);
// @ts-expect-error A duration is a number.
koaBye(new Koa(), { shutdownTimeoutMs: '1s' });

const options: ByeOptions = { health: { checks: { db: async (signal) => signal.aborted } }, shutdownDelayMs: 'auto' };
await using bye = new Bye(options);
const attached = bye.attach(server, { role: 'admin' });
expectSame<typeof attached, Server>(true);
const removeHook: () => void = bye.onClose(async () => {});
const reason: 'stop' | 'upgrade' = await bye.onShutdown();
const verdict = bye.canUpgrade();
if (!verdict.ok) console.log(verdict.code, verdict.message, verdict.remedy);
const { pid, generation, durationMs }: { pid: number; generation: number; durationMs: number } = await bye.upgrade();
console.log(task, koaServer, removeHook, reason, pid, generation, durationMs);
