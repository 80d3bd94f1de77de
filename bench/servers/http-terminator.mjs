// http-terminator, as its README says, with its defaults.
import { createHttpTerminator } from 'http-terminator';
import { createAnswering, place, sayReady } from './answering.mjs';

const server = createAnswering().listen(place, () => sayReady(server));
const terminator = createHttpTerminator({ server });
process.once('SIGTERM', () => terminator.terminate().then(() => process.exit()));
