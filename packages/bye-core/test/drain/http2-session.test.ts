import { EventEmitter } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import { Socket } from 'node:net';
import { beforeEach, expect, test, vi } from 'vitest';
import { Http2Session } from '../../src/drain/http2-session.js';
import { FakeHost } from '../fake-host.js';

/** One that Node forgets to end: what happens now and then cannot be made to happen. */
class ForgottenSession extends EventEmitter {
  destroyed = false;
  state = { outboundQueueSize: 0, nextStreamID: 2 };
  readonly close = vi.fn();
  readonly destroy = vi.fn(() => {
    this.destroyed = true;
  });
}

let host: FakeHost;
let session: ForgottenSession;
let ours: Http2Session;
beforeEach(() => {
  host = new FakeHost();
  session = new ForgottenSession();
  ours = new Http2Session(session as unknown as ServerHttp2Session, new Socket(), host);
});

function openStream(): EventEmitter {
  const stream = new EventEmitter();
  session.emit('stream', stream);
  return stream;
}

test('close() ends a session that Node leaves open after its last stream', async () => {
  const streams = [openStream(), openStream()];
  ours.close();
  streams[0]?.emit('close');
  await host.advance(60_000);
  expect(session.destroy).not.toHaveBeenCalled();
  streams[1]?.emit('close');
  await host.advance(100);
  expect(session.destroy).toHaveBeenCalledOnce();
});

test('close() ends an idle one, as soon as all is written', async () => {
  session.state.outboundQueueSize = 1;
  ours.close();
  await host.advance(1000);
  expect(session.destroy).not.toHaveBeenCalled();
  session.state.outboundQueueSize = 0;
  await host.advance(100);
  expect(session.destroy).toHaveBeenCalledOnce();
});

test('close() leaves one alone that Node has ended, that has a stream again, or that has pushed', async () => {
  openStream().emit('close');
  await host.advance(1000);
  expect(session.destroy).not.toHaveBeenCalled();
  ours.close();
  const late = openStream();
  await host.advance(1000);
  session.state.nextStreamID = 4;
  late.emit('close');
  await host.advance(1000);
  expect(session.destroy).not.toHaveBeenCalled();
  session.state.nextStreamID = 2;
  session.destroyed = true;
  await host.advance(1000);
  expect(session.destroy).not.toHaveBeenCalled();
  expect(host.timers).toBe(0);
});
