/** For tests of applications that use bye. */

import { Bye } from './api/bye.js';
import type { ByeOptions } from './options/options.js';

/**
 * An instance that touches nothing process-wide and is silent: pass it to an adapter as `bye`, and `drain()` it at the
 * end of the test.
 *
 * @example
 * ```ts
 * const bye = createTestBye();
 * const app = expressBye(express(), { bye });
 * await supertest(app).get('/readyz').expect(503);
 * await bye.ready();
 * await supertest(app).get('/readyz').expect(200);
 * ```
 */
export function createTestBye(options: ByeOptions = {}): Bye {
  return new Bye({ logger: false, shutdownTimeoutMs: 5000, ...options });
}
