/** The service under test; see fixtures/service.mjs for what its environment says. */

import { fileURLToPath } from 'node:url';

export const SERVICE = fileURLToPath(new URL('fixtures/service.mjs', import.meta.url));
