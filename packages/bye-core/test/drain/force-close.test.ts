// `Connection: close` whatever the handler says. Trap T6: docs/internals.
import type { ServerResponse } from 'node:http';
import { exactBody, type RequestSpec } from '@bye/testkit';
import { expect, test } from 'vitest';
import { Bench, WITH_GRACE } from './bench.js';

const FORMS: Record<string, (response: ServerResponse) => unknown> = {
  'nothing at all': () => {},
  'writeHead without headers': (response) => response.writeHead(200),
  'writeHead with an object': (response) => response.writeHead(200, { connection: 'keep-alive', 'X-Kept': 'yes' }),
  'writeHead with a reason and an object': (response) =>
    response.writeHead(200, 'Fine', { Connection: 'Keep-Alive', 'X-Kept': 'yes' }),
  'writeHead with a flat array': (response) => response.writeHead(200, ['Connection', 'keep-alive', 'X-Kept', 'yes']),
  'writeHead with pairs': (response) =>
    response.writeHead(200, [
      ['connection', 'keep-alive'],
      ['X-Kept', 'yes'],
    ] as never),
  'writeHead with undefined': (response) => response.writeHead(200, undefined),
  setHeader: (response) => response.setHeader('Connection', 'keep-alive'),
  'setHeader of Keep-Alive': (response) => response.setHeader('Keep-Alive', 'timeout=600'),
  'setHeader and writeHead': (response) =>
    response.setHeader('Connection', 'keep-alive').writeHead(200, { CONNECTION: 'keep-alive' }),
  removeHeader: (response) => response.removeHeader('Connection'),
  flushHeaders: (response) => response.setHeader('Connection', 'keep-alive').flushHeaders(),
  shouldKeepAlive: (response) => {
    response.shouldKeepAlive = true;
  },
  'early hints first': (response) => response.writeEarlyHints({ link: '</style.css>; rel=preload' }),
  'processing first': (response) => response.writeProcessing(),
};

const SPEC: RequestSpec = { path: '/', check: exactBody('ok') };

test.each(Object.keys(FORMS))('an answer of a draining server says close, and says it once: %s (T6)', async (form) => {
  await using bench = new Bench(WITH_GRACE);
  const { target } = await bench.serve((_request, response) => {
    FORMS[form]?.(response);
    response.end('ok');
  });
  const client = await bench.connect(target);
  const before = await client.request(SPEC);
  expect(before.saidClose).toBe(false);
  const drained = bench.bye.drain();
  const { headers } = await client.request(SPEC);
  expect(headers.get('connection')).toBe('close');
  expect(headers.get('keep-alive')).toBeUndefined();
  expect(headers.get('x-kept')).toBe(before.headers.get('x-kept'));
  expect(await client.closed).toMatchObject({ by: 'server', reset: false });
  expect(await drained).toMatchObject({ cut: [] });
});

test('a bad argument to writeHead() during the drain is an error of the handler, as always', async () => {
  await using bench = new Bench(WITH_GRACE);
  const errors: unknown[] = [];
  const { target } = await bench.serve((request, response) => {
    if (request.url === '/bad') {
      try {
        response.writeHead(99);
      } catch (error) {
        errors.push(error);
      }
    }
    response.end('ok');
  });
  const client = await bench.connect(target);
  await client.request(SPEC);
  const drained = bench.bye.drain();
  expect(await client.request({ ...SPEC, path: '/bad' })).toMatchObject({ status: 200, saidClose: true });
  expect(errors).toMatchObject([{ code: 'ERR_HTTP_INVALID_STATUS_CODE' }]);
  await drained;
});
