// Compiled, never run: what a CommonJS module of a user sees of the packages.
import core = require('bye-core');
import fastify = require('fastify');
import fastifyBye = require('fastify-bye');
import express = require('express');
import expressBye = require('express-bye');
import Koa = require('koa');
import koaBye = require('koa-bye');

const app = fastify();
app.register(fastifyBye.fastifyBye);
app.register(fastifyBye.default, { bye: core.processBye() });
const bye: core.Bye = app.bye;
expressBye.expressBye(express()).listen(8080);
koaBye.koaBye(new Koa()).listen(8080);
bye.stop().then((report) => console.log(report.cut, report.requestsFinished));
