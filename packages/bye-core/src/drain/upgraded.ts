/** Connections that took another protocol over: WebSockets are told to go, anything else is work in progress. */

import type { IncomingMessage } from 'node:http';
import type { Farewell, Goodbye } from '../goodbye.js';
import type { Host, Timer } from '../host.js';
import type { Connection } from './connection.js';
import { progressOf } from './linger.js';
import type { Work } from './protocol.js';
import { Spread } from './spread.js';
import { GOING_AWAY, SERVICE_RESTART } from './websocket/frames.js';
import { WebSocketWrites } from './websocket/websocket.js';

/** How long a client may take for its own close frame, once it has nothing more to read, in milliseconds. */
const ANSWER_MS = 10_000;

/** Asks the application; calls back unless it says goodbye itself. */
export type OfferGoodbye = (farewell: Farewell, otherwise: () => void) => void;

type Upgraded = Work & {
  readonly request: IncomingMessage;
  readonly connection: Connection;
  /** `undefined` for anything but a WebSocket. */
  readonly websocket: WebSocketWrites | undefined;
  isTold: boolean;
  timer: Timer | undefined;
};

export class UpgradedConnections {
  readonly #host: Host;
  readonly #offer: OfferGoodbye;
  readonly #onChange: () => void;
  readonly #all = new Set<Upgraded>();
  readonly #spread: Spread<Upgraded>;
  #goodbye: Goodbye | undefined;
  /** Tunnels that ended by themselves since `sayGoodbye`. */
  finished = 0;

  constructor(host: Host, offer: OfferGoodbye, onChange: () => void) {
    this.#host = host;
    this.#offer = offer;
    this.#onChange = onChange;
    this.#spread = new Spread(host, (upgraded) => this.#tell(upgraded));
  }

  /** What is in progress: tunnels, and WebSockets that the application has not accepted or refused yet. */
  get work(): readonly Work[] {
    return [...this.#all].filter(({ websocket, connection }) => {
      return !connection.ended && (websocket?.isPending ?? true);
    });
  }

  /** A WebSocket has not been accepted or refused yet. */
  get hasHandshakes(): boolean {
    return [...this.#all].some(({ websocket }) => websocket?.isPending);
  }

  /** Before the application sees it. */
  begin(connection: Connection, request: IncomingMessage): void {
    const { socket } = connection;
    connection.upgraded = true;
    const isWebSocket = request.method === 'GET' && /\bwebsocket\b/i.test(request.headers.upgrade ?? '');
    const upgraded: Upgraded = {
      kind: isWebSocket ? 'request' : 'connection',
      request,
      startedAt: this.#host.now(),
      connection,
      websocket: isWebSocket
        ? new WebSocketWrites(socket, {
            onAnswered: () => this.#onAnswered(upgraded),
            onEnd: () => this.#onEnd(upgraded),
          })
        : undefined,
      isTold: false,
      timer: undefined,
    };
    this.#all.add(upgraded);
    socket.once('close', () => {
      upgraded.timer?.cancel();
      this.#all.delete(upgraded);
      if (this.#goodbye && !upgraded.websocket) this.finished += 1;
    });
  }

  /** Tells every WebSocket, those too that still come. A second call is for those that were not told yet. */
  sayGoodbye(goodbye: Goodbye): void {
    this.#goodbye = goodbye;
    const untold = [...this.#all].filter(({ websocket, isTold }) => websocket?.isOpen && !isTold);
    this.#spread.start(untold, goodbye.spreadMs);
  }

  reopen(): void {
    this.#goodbye = undefined;
    this.finished = 0;
    this.#spread.cancel();
  }

  /** Ends all; WebSockets after a close frame. */
  end(): void {
    this.#spread.cancel();
    for (const { websocket, connection } of this.#all) {
      websocket?.close(closeCode(this.#goodbye));
      connection.end();
    }
  }

  cancel(): void {
    this.#spread.cancel();
  }

  #tell(upgraded: Upgraded): void {
    const { websocket, connection, request } = upgraded;
    const goodbye = this.#goodbye;
    if (!websocket?.isOpen || !goodbye || upgraded.isTold || connection.ended) return;
    upgraded.isTold = true;
    this.#offer({ reason: goodbye.reason, request, socket: connection.socket }, () => {
      websocket.close(closeCode(goodbye));
      this.#awaitAnswer(upgraded);
    });
  }

  #awaitAnswer(upgraded: Upgraded): void {
    const { socket } = upgraded.connection;
    const before = progressOf(socket);
    upgraded.timer = this.#host.after(ANSWER_MS, () => {
      if (progressOf(socket) !== before) this.#awaitAnswer(upgraded);
      else upgraded.connection.end();
    });
  }

  #onAnswered(upgraded: Upgraded): void {
    if (!this.#goodbye) return;
    this.#tell(upgraded);
    this.#onChange();
  }

  /** The library is done with it: from here on it ends like any connection that was told to close. */
  #onEnd({ connection }: Upgraded): void {
    if (this.#goodbye) connection.end();
  }
}

function closeCode(goodbye: Goodbye | undefined): number {
  return goodbye?.reason === 'upgrade' ? SERVICE_RESTART : GOING_AWAY;
}
