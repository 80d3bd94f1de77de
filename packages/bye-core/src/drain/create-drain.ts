/** Chooses the protocol drain for a server. */

import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Server } from 'node:net';
import type { ServerTap } from '../server-tap.js';
import { type DrainParts, Http1Drain } from './http1.js';
import { Http2Drain } from './http2.js';
import type { ProtocolDrain } from './protocol.js';
import { RawDrain } from './raw.js';

export type ServerKind = 'http1' | 'http2' | 'raw';

export function kindOfServer(server: Server): ServerKind {
  if (server instanceof HttpServer || server instanceof HttpsServer) return 'http1';
  // node:http2 exports no server class to test against.
  return 'updateSettings' in server ? 'http2' : 'raw';
}

export function createDrain(server: Server, tap: ServerTap, parts: DrainParts): ProtocolDrain {
  const kind = kindOfServer(server);
  if (kind === 'raw') return new RawDrain(tap, parts);
  const plain = kind === 'http1' ? 'plain' : 'none';
  const http1 = new Http1Drain('setTicketKeys' in server ? 'tls' : plain, tap, parts);
  return kind === 'http2' ? new Http2Drain(tap, http1, parts) : http1;
}
