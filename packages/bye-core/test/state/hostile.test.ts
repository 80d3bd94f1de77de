import { expect, test, vi } from 'vitest';
import { Deadline } from '../../src/deadline.js';
import { realHost } from '../../src/host.js';
import { encodeWord } from '../../src/state/frames.js';
import { STATE_FORMAT, type StateWord } from '../../src/state/words.js';
import { Pair } from './pair.js';

const BEGIN = {
  word: 'begin',
  format: STATE_FORMAT,
  stage: 'save',
  name: 'app',
  version: 1,
  empty: false,
  more: false,
};
const WANT = { word: 'want', format: STATE_FORMAT, name: 'app', load: true, merge: true };
const DATA = Buffer.from([2, 0, 0, 0, 1, 0x78]);
const word = (value: object) => encodeWord(value as StateWord);

test.each<[title: string, bytes: Buffer]>([
  ['noise', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['another format', word({ ...BEGIN, format: 2 })],
  ['a section that was not asked for', word({ ...BEGIN, name: 'other' })],
  ['a second stage out of turn', word({ ...BEGIN, stage: 'finish' })],
  ['two beginnings', Buffer.concat([word(BEGIN), word(BEGIN)])],
  ['bytes before a beginning', DATA],
  ['an end before a beginning', word({ word: 'end' })],
])('the new process refuses what is no state: %s', async (_title, bytes) => {
  using pair = await Pair.open();
  const settled = vi.fn();
  const load = vi.fn(async () => {});
  void pair.want('app', { load }).then(settled, settled);
  const heard: Buffer[] = [];
  pair.old.on('data', (chunk: Buffer) => heard.push(chunk));
  pair.old.write(bytes);
  await vi.waitFor(() => expect(Buffer.concat(heard).toString()).toContain('"refused","name":"app"'));
  expect(pair.told).toEqual(['state-failed app load']);
  expect(settled).not.toHaveBeenCalled();
});

test.each<[title: string, bytes: Buffer]>([
  ['noise', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['another format', word({ ...WANT, format: 2 })],
  ['bytes', DATA],
])('the old process fails the upgrade when the new one sends %s', async (_title, bytes) => {
  using pair = await Pair.open();
  const sender = pair.send({ app: { save: async () => {} } });
  pair.new.write(bytes);
  await sender.heardAll;
  expect(pair.fail.mock.calls[0]?.[0]).toMatchObject({ code: 'ERR_BYE_UPGRADE_CHANNEL_LOST', data: { pid: 1 } });
  expect(pair.fail).toHaveBeenCalledTimes(1);
});

test('the old process survives any words, in any order', async () => {
  const words = [WANT, { ...WANT, name: '' }, { word: 'merged', name: 'app' }, { word: 'end' }, BEGIN, { word: 'x' }];
  using pair = await Pair.open();
  pair.new.resume();
  const sender = pair.send({ app: { save: async () => {}, finish: async () => {} } });
  for (let index = 0; index < 500; index++) pair.new.write(word(words[(index * 7) % words.length] as object));
  pair.new.end();
  await sender.heardAll;
  await sender.finish(new Deadline(realHost, 5000));
  expect(pair.fail).not.toHaveBeenCalled();
});
