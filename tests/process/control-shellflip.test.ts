/** shellflip's own client: its exact bytes get its exact answer. */

import type { App } from '@bye/testkit';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { ControlClient } from '../control.js';
import { Scratch, startLab } from './lab.js';

const test = anyTest.skipIf(process.platform === 'win32');

/** What `serde_json` and tokio's LengthDelimitedCodec make of `RestartMessage::Request(RestartRequest::TryRestart)`. */
const TRY_RESTART = Buffer.from('00000018' + '7b2252657175657374223a2254727952657374617274227d', 'hex');

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = new Scratch();
  path = scratch.path('control.sock');
});
afterEach(() => scratch[Symbol.dispose]());

async function tryRestart(...pieces: Buffer[]): Promise<Buffer> {
  const client = new ControlClient(path);
  for (const piece of pieces) {
    await new Promise((resolve) => client.socket.write(piece, resolve));
  }
  await client.closed;
  expect(client.error).toBeUndefined();
  return client.bytes;
}

function start(): App {
  return startLab({
    options: { controlSocket: path, upgradeTimeoutMs: 2000 },
    env: { BREAK_FILE: scratch.breakFile },
  });
}

function framed(text: string): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(Buffer.byteLength(text));
  return Buffer.concat([prefix, Buffer.from(text)]);
}

test('TryRestart is answered with RestartComplete and nothing else', async () => {
  await using app = start();
  const old = await app.waitForGeneration(0);
  const answer = await tryRestart(TRY_RESTART);
  const { pid } = await app.waitForGeneration(1);
  expect(answer.toString('latin1')).toBe(framed(`{"Response":{"RestartComplete":${pid}}}`).toString('latin1'));
  await app.waitUntilGone(old.pid);

  // However it is cut.
  const again = await tryRestart(...[...TRY_RESTART].map((byte) => Buffer.of(byte)));
  const next = await app.waitForGeneration(2);
  expect(again).toEqual(framed(`{"Response":{"RestartComplete":${next.pid}}}`));
});

test('TryRestart of a version that fails is answered with RestartFailed and the reason', async () => {
  await using app = start();
  await app.waitForGeneration(0);
  scratch.deploy('crash');
  const answer = await tryRestart(TRY_RESTART);
  const text = answer.subarray(4).toString();
  expect(answer).toEqual(framed(text));
  const { Response } = JSON.parse(text) as { Response: { RestartFailed: string } };
  expect(JSON.stringify({ Response: { RestartFailed: Response.RestartFailed } })).toBe(text);
  expect(Response.RestartFailed).toMatch(/exited with code 1.*\(ERR_BYE_UPGRADE_EXITED\).*broken on purpose/);
});
