// http-graceful-shutdown, as its README says, with its defaults: SIGTERM and SIGINT, 30 s.
import gracefulShutdown from 'http-graceful-shutdown';
import { createAnswering, place, sayReady } from './answering.mjs';

const server = createAnswering().listen(place, () => sayReady(server));
gracefulShutdown(server);
