// Fastify's own close.
import { createFastify, place, sayReady } from './answering.mjs';

const app = await createFastify();
process.once('SIGTERM', () => app.close().then(() => process.exit()));
await app.listen(place);
sayReady(app.server);
