// What Node has by itself: stop listening, end when the last connection has ended.
import { createAnswering, place, sayReady } from './answering.mjs';

const server = createAnswering().listen(place, () => sayReady(server));
process.once('SIGTERM', () => server.close(() => process.exit()));
