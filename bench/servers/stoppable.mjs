// stoppable, as its README says, with its default: no limit to the grace.
import stoppable from 'stoppable';
import { createAnswering, place, sayReady } from './answering.mjs';

const server = stoppable(createAnswering()).listen(place, () => sayReady(server));
process.once('SIGTERM', () => server.stop(() => process.exit()));
