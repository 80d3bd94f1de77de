// What stands behind a proxy under test. It never closes a connection, so that what fails is the proxy's.
import { createAnswering, place, sayReady } from './answering.mjs';

const server = createAnswering();
server.keepAliveTimeout = 3_600_000;
server.listen(place, () => sayReady(server));
