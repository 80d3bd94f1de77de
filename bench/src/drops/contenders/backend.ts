/** Owns the service behind a proxy: it is never replaced, so that what fails is the proxy's. */
import type { App } from '@bye/testkit';
import { dispose, startServer } from '../../processes.js';

export async function startBackend(): Promise<{ readonly port: number; end(): Promise<void> }> {
  const { app, port }: { app: App; port: number } = await startServer('backend.mjs');
  return { port, end: () => dispose(app) };
}
