/** The bytes that docs/internals/control-protocol.md shows are those of the code. */

import { expect, test } from 'vitest';
import {
  CONTROL_VERSION,
  MOST_ANSWER_BYTES,
  MOST_REQUEST_BYTES,
} from '../../packages/bye-core/src/channel/control-messages.js';
import { encodeFrame } from '../../packages/bye-core/src/channel/frames.js';
import { MOST_WAITING, MOST_YOUNG } from '../../packages/bye-core/src/control/crowd.js';
import { parseRequest } from '../../packages/bye-core/src/control/request.js';
import { readPage, rowsOf, sectionOf } from './pages.js';

const page = readPage('docs/internals/control-protocol.md');

test('every frame in hex is what encodeFrame() makes of the text below it', () => {
  const shown = [...page.text.matchAll(/^((?:[0-9a-f]{2} +)+[0-9a-f]{2})\n +(\{.*\})$/gm)];
  expect(shown).toHaveLength(3);
  for (const [, hex = '', text = ''] of shown) {
    expect(Buffer.from(hex.replaceAll(' ', ''), 'hex')).toEqual(encodeFrame(JSON.parse(text)));
  }
});

test('every request in the table is one', () => {
  const requests = rowsOf(sectionOf(page, 'Requests')).map(([request = '']) => JSON.parse(request.replaceAll('`', '')));
  expect(requests.map((request) => parseRequest(request).request.request)).toEqual([
    'upgrade',
    'status',
    'stop',
    'upgrade',
  ]);
});

test('version and limits are those of the code', () => {
  expect(page.text).toContain(`now ${CONTROL_VERSION}.`);
  const limits = rowsOf(sectionOf(page, 'Limits')).map(([, limit = '']) => limit);
  expect(limits[0]).toContain(`${MOST_REQUEST_BYTES / 1024} KiB`);
  expect(limits[1]).toContain(`${MOST_ANSWER_BYTES / 1024 / 1024} MiB`);
  expect(limits[3]).toMatch(new RegExp(`^${MOST_WAITING}; .*Above ${MOST_YOUNG} `));
});
