// @godaddy/terminus, as its README says, with its defaults: SIGTERM, 1000 ms.
import { createTerminus } from '@godaddy/terminus';
import { createAnswering, place, sayReady } from './answering.mjs';

const server = createAnswering();
createTerminus(server, { healthChecks: { '/healthcheck': async () => {} } });
server.listen(place, () => sayReady(server));
