// close-with-grace with Fastify, as its README's example has it: the default delay, 10 s.
import closeWithGrace from 'close-with-grace';
import { createFastify, place, sayReady } from './answering.mjs';

const app = await createFastify();
closeWithGrace(async () => {
  await app.close();
});
await app.listen(place);
sayReady(app.server);
