/** For tests of applications that use bye. */

import { Bye } from './api/bye.js';
import type { ByeOptions } from './options/types.js';

/**
 * An instance that touches nothing process-wide and is silent: pass it to an adapter as `bye`, and `drain()` it at the
 * end of the test (`await using` does). Its stop has 5000 ms. It handles no signals, never exits, and cannot upgrade.
 *
 * @param options as for `new Bye()`; they win over these defaults, and `BYE_*` variables over both
 * @throws {TypeError | RangeError} If an option is unknown or has a bad value
 *
 * @example Health of an app, without a port
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
