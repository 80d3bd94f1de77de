/**
 * `node --import bye-core/register app.js`: signals are answered, and inherited listeners adopted, before the first
 * line of the application. The one module of bye that does something when it is imported.
 */

import { registerBye } from './api/process-bye.js';

registerBye();
