// A worker of pm2's cluster mode, as pm2's pages on graceful start and stop have it.
import { createAnswering, place } from './answering.mjs';

const server = createAnswering().listen(place, () => process.send('ready'));
process.once('SIGINT', () => server.close(() => process.exit()));
