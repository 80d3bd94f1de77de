/** Servers in this process, drained by an instance that touches nothing process-wide. */

import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { StrictConnection, type Target } from '@bye/testkit';
import { Bye } from '../../src/api/bye.js';
import type { ByeOptions } from '../../src/options/types.js';

/** `signals` here only means: idle connections keep their grace, as in a service. */
export const WITH_GRACE: ByeOptions = { signals: true, keepAliveGraceMs: 5000 };

export class Bench implements AsyncDisposable {
  readonly bye: Bye;
  /** The last one of `serve()`. */
  server: ReturnType<typeof createServer> | undefined;
  readonly #ends: (() => void)[] = [];

  constructor(options: ByeOptions = {}) {
    this.bye = new Bye({ logger: false, shutdownTimeoutMs: 10_000, closeReserveMs: 500, ...options });
  }

  /** @returns where the server listens, attached */
  async listen(server: Server, host = '127.0.0.1'): Promise<Target & { port: number }> {
    this.bye.attach(server);
    if (!server.listening) {
      server.listen(0, host);
      await once(server, 'listening');
    }
    return { host, port: (server.address() as AddressInfo).port };
  }

  /** An http server with this handler. */
  async serve(
    handler: RequestListener,
  ): Promise<{ server: ReturnType<typeof createServer>; target: Target & { port: number } }> {
    const server = createServer(handler);
    this.server = server;
    return { server, target: await this.listen(server) };
  }

  async connect(target: Target): Promise<StrictConnection> {
    const connection = await StrictConnection.open(target);
    this.#ends.push(() => connection.destroy());
    return connection;
  }

  /** Runs at the end of the test. */
  defer(end: () => void): void {
    this.#ends.push(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end();
    await this.bye.drain();
  }
}

/** Something that waits for a word from the test. */
export function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
