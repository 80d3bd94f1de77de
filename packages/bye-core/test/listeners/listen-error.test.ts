import { expect, test } from 'vitest';
import { InheritedListeners } from '../../src/listeners/inherited.js';
import { explainListenError, nameRealPath, toListenError } from '../../src/listeners/listen-error.js';

const error = (code: string) => Object.assign(new Error(`listen ${code}`), { code });
const HELD = { fd: 5, key: 'tcp:0.0.0.0:80', names: [] };
const inherited = (handedOver: boolean) => new InheritedListeners([HELD], handedOver);

test('explainListenError() says that the old process holds the port on another address', () => {
  const cause = error('EADDRINUSE');
  expect(explainListenError(cause, 'tcp:127.0.0.1:80', inherited(true))).toMatchObject({
    code: 'ERR_BYE_ADDRESS_CHANGED',
    data: { wanted: 'tcp:127.0.0.1:80', held: 'tcp:0.0.0.0:80' },
    cause,
  });
});

test('explainListenError() says that a privilege was lost', () => {
  const cause = error('EACCES');
  expect(explainListenError(cause, 'tcp:*:443', inherited(true))).toMatchObject({
    code: 'ERR_BYE_PRIVILEGE_LOST',
    data: { wanted: 'tcp:*:443', uid: process.getuid?.() },
    cause,
  });
});

test.each([
  ['a port that nobody of ours holds', 'EADDRINUSE', 'tcp:*:81', true],
  ['a path', 'EADDRINUSE', 'unix:/run/app.sock', true],
  ['EACCES in a first start', 'EACCES', 'tcp:*:80', false],
  ['any other error', 'EADDRNOTAVAIL', 'tcp:*:80', true],
])('explainListenError() leaves %s as it is', (_title, code, key, handedOver) => {
  const given = error(code);
  expect(explainListenError(given, key, inherited(handedOver))).toBe(given);
});

test.each([
  ['EEXIST', 'EADDRINUSE', 'listen EADDRINUSE: address already in use /run/app.sock'],
  ['ENOSPC', 'ENOSPC', 'listen listen ENOSPC /run/app.sock'],
])('toListenError() makes of %s what listen() reports: %s', (code, reported, message) => {
  const cause = error(code);
  expect(toListenError(cause, '/run/app.sock')).toMatchObject({
    code: reported,
    syscall: 'listen',
    address: '/run/app.sock',
    message,
    cause,
  });
});

test('nameRealPath() names the path that was asked for', () => {
  const given = Object.assign(new Error('listen EACCES: /run/.bye-1a2b'), { address: '/run/.bye-1a2b' });
  nameRealPath(given, { path: '/run/app.sock', bindPath: '/run/.bye-1a2b' });
  expect(given).toMatchObject({ message: 'listen EACCES: /run/app.sock', address: '/run/app.sock' });
});

test('nameRealPath() leaves another address alone', () => {
  const given = Object.assign(new Error('no'), { address: '::1' });
  nameRealPath(given, { path: '/run/app.sock', bindPath: '/run/.bye-1a2b' });
  expect(given).toMatchObject({ message: 'no', address: '::1' });
});
