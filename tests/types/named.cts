// Compiled, never run: named and default imports, as TypeScript that becomes CommonJS has them.
import express from 'express';
import defaultExpressBye, { Bye as ExpressesBye, expressBye } from 'express-bye';
import fastify from 'fastify';
import defaultFastifyBye, { type FastifyByeOptions, fastifyBye } from 'fastify-bye';
import Koa from 'koa';
import defaultKoaBye, { koaBye } from 'koa-bye';

const options: FastifyByeOptions = { shutdownTimeoutMs: 1000 };
fastify().register(fastifyBye, options);
fastify().register(defaultFastifyBye, options);
expressBye(defaultExpressBye(express()), { bye: new ExpressesBye() }).listen(8080);
koaBye(defaultKoaBye(new Koa())).listen(8080);
