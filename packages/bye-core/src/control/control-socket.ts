/** The control socket: takes the requests of an operator, and lets no client harm the service. */

import { Server, type Socket } from 'node:net';
import { describeError } from '../errors.js';
import { pause } from '../host.js';
import type { DrainReport, Logger } from '../types.js';
import { Client, type ClientParts } from './client.js';
import { Crowd } from './crowd.js';
import { parseRequest } from './request.js';
import { Sessions, type SessionsParts } from './sessions.js';
import { cannotListen, checkSocketPath, inUse } from './socket-path.js';

/** How often to look whether those who connected last have asked, in milliseconds. */
const STEP_MS = 10;

export interface ControlSocketParts extends Omit<SessionsParts, 'onFinished'> {
  /** Listens on a path to which only this user may connect; false if it is somebody else's. */
  readonly listen: (server: Server, path: string) => boolean;
}

export class ControlSocket {
  readonly #parts: ControlSocketParts;
  readonly #sessions: Sessions;
  readonly #crowd: Crowd<Client>;
  readonly #clientParts: ClientParts;
  #server: Server | undefined;

  constructor(parts: ControlSocketParts) {
    this.#parts = parts;
    this.#crowd = new Crowd(parts.host);
    this.#sessions = new Sessions({ ...parts, onFinished: (client) => this.#crowd.leave(client) });
    this.#clientParts = {
      host: parts.host,
      onRequest: (client, request) => this.#serve(client, request),
      onEnd: (client) => this.#sessions.clientEnded(client),
      onClose: (client) => {
        this.#crowd.remove(client);
        this.#sessions.clientGone(client);
      },
    };
  }

  /** Hears every event. */
  get witness(): Logger {
    return this.#sessions.witness;
  }

  /**
   * Opens it, once; the options may come later than the first call.
   *
   * @throws {ByeError} If it may not stand at that path, or somebody else serves there (`ERR_BYE_CONTROL_SOCKET`); what
   * only shows when the system is asked comes as an uncaughtException, as nobody waits for it
   */
  open(path: string): void {
    if (this.#server) return;
    checkSocketPath(path, this.#parts.host);
    // A client may close its side after its request, as `nc -N` does, and wait for the answer.
    const server = new Server({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    let isOpen = false;
    server.once('listening', () => {
      isOpen = true;
    });
    server.on('error', (error) => {
      if (!isOpen) throw cannotListen(path, error);
      this.#parts.emit('warning', { message: `control socket: ${describeError(error)}` });
    });
    if (!this.#parts.listen(server, path)) throw inUse(path);
    this.#server = server;
  }

  /** The drain is over: takes no more clients. @returns resolves when every result is sent; see `Sessions.end` */
  async end(report: DrainReport, exits: boolean): Promise<void> {
    this.#server?.close();
    // Who connected to this process a moment ago is not to find it gone in the middle of a request.
    while (this.#crowd.youngForMs > 0) await pause(this.#parts.host, Math.min(STEP_MS, this.#crowd.youngForMs));
    await this.#sessions.end(report, exits);
  }

  #accept(socket: Socket): void {
    this.#crowd.enter(new Client(socket, this.#clientParts));
  }

  #serve(client: Client, request: { readonly value: unknown } | { readonly error: Error }): void {
    this.#crowd.remove(client);
    try {
      if ('error' in request) throw request.error;
      this.#sessions.start(client, parseRequest(request.value));
    } catch (error) {
      this.#sessions.refuse(client, error);
    }
  }
}
