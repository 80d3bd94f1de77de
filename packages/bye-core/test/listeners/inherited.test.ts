import { closeSync, fstatSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Inherited, InheritedListeners, parseHandedListeners, portOfKey } from '../../src/listeners/inherited.js';

const at = (address: string, port: number) => ({ address: { address, port, family: 'IPv4' } });
const HANDED: Inherited = { fd: 5, key: 'tcp:*:80', names: [] };
const ACTIVATED: Inherited = { fd: 6, key: 'tcp:0.0.0.0:443', names: ['https'], ...at('0.0.0.0', 443) };

test.each([undefined, '', '[]'])('parseHandedListeners() of %j is none', (text) => {
  expect(parseHandedListeners(text)).toEqual([]);
});

test('parseHandedListeners() reads what an old process writes', () => {
  const list = [
    { fd: 5, key: 'tcp:*:80', names: [] },
    { fd: 6, key: 'unix:/a', names: ['a.socket'] },
  ];
  expect(parseHandedListeners(JSON.stringify(list))).toEqual(list);
});

test.each([
  '{',
  'null',
  '{}',
  '5',
  '[null]',
  '[[]]',
  '[{"fd":5,"key":"a"}]',
  '[{"fd":"5","key":"a","names":[]}]',
  '[{"fd":2,"key":"a","names":[]}]',
  '[{"fd":5.5,"key":"a","names":[]}]',
  '[{"fd":5,"key":5,"names":[]}]',
  '[{"fd":5,"key":"a","names":"a"}]',
  '[{"fd":5,"key":"a","names":[5]}]',
  '[{"fd":5,"key":"a","names":[]},{}]',
])('parseHandedListeners() refuses %s', (text) => {
  expect(() => parseHandedListeners(text)).toThrow(
    expect.objectContaining({ code: 'ERR_BYE_ENVIRONMENT', data: { variable: 'BYE_LISTENERS', value: text } }),
  );
});

test('claim() takes a listener once', () => {
  const inherited = new InheritedListeners([HANDED, ACTIVATED], true);
  expect(inherited.claim('tcp:*:80')).toBe(HANDED);
  expect(inherited.claim('tcp:*:80')).toBeUndefined();
  expect(inherited.claim('tcp:*:81')).toBeUndefined();
  expect(inherited.waiting).toEqual([ACTIVATED]);
});

test('allClaimed does not wait for activated ones, which are never lost', () => {
  const inherited = new InheritedListeners([HANDED, ACTIVATED], true);
  expect(inherited.allClaimed).toBe(false);
  inherited.claim('tcp:*:80');
  expect(inherited.allClaimed).toBe(true);
});

test('claimPort() takes the activated one on a port, and no handed one', () => {
  const handed = { ...HANDED, ...at('127.0.0.1', 443) };
  const inherited = new InheritedListeners([handed, ACTIVATED], false);
  expect(inherited.claimPort(443)).toBe(ACTIVATED);
  expect(inherited.claimPort(443)).toBeUndefined();
  expect(inherited.claimPort(80)).toBeUndefined();
});

test('findPort() looks without taking', () => {
  const inherited = new InheritedListeners([HANDED], true);
  expect([inherited.findPort(80), inherited.findPort(80)]).toEqual([HANDED, HANDED]);
  expect(inherited.findPort(81)).toBeUndefined();
});

test('dropUnclaimed() closes what was handed over and nobody claimed, and keeps activated ones', () => {
  const [fd, kept] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
  const inherited = new InheritedListeners(
    [
      { ...HANDED, fd },
      { ...ACTIVATED, fd: kept },
    ],
    true,
  );
  expect(inherited.dropUnclaimed()).toEqual(['tcp:*:80']);
  expect(() => fstatSync(fd)).toThrow('EBADF');
  expect(() => fstatSync(kept)).not.toThrow();
  closeSync(kept);
  expect(inherited.waiting).toEqual([{ ...ACTIVATED, fd: kept }]);
  expect(inherited.dropUnclaimed()).toEqual([]);
});

test('dropUnclaimed() leaves a claimed one open', () => {
  const fd = openSync('/dev/null', 'r');
  const inherited = new InheritedListeners([{ ...HANDED, fd }], true);
  inherited.claim('tcp:*:80');
  expect(inherited.dropUnclaimed()).toEqual([]);
  closeSync(fd);
});

test.each([
  ['tcp:*:80', 80],
  ['tcp:::1:8080', 8080],
  ['tcp:::1:8080:v6only', 8080],
  ['tcp:localhost:0#12', 0],
  ['tcp:fe80::1%eth0:65535', 65_535],
  ['unix:/run/app.sock', undefined],
  ['unix:/tcp:a:80', undefined],
  ['abstract:tcp:a:80', undefined],
  ['systemd:app.socket', undefined],
  ['', undefined],
])('portOfKey() of %s is %s', (key, port) => {
  expect(portOfKey(key)).toBe(port);
});
