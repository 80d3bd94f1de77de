import { requests } from '@bye/testkit';
import { describe, expect, it } from 'vitest';
import { askAll, Moving, openAsked, openFresh } from './moving.js';

const LOCAL = { port: 0, host: '127.0.0.1' };

describe('a connection', () => {
  it('moves when it is idle, or has not sent a byte, with what it sends meanwhile', async () => {
    await using moving = new Moving({ servers: [{ listen: LOCAL, timeouts: { keepAliveTimeout: 60_000 } }] });
    const [port = 0] = await moving.ports();
    const idle = await openAsked({ port }, 1000);
    const fresh = await openFresh({ port }, 1000);
    const { old, pid } = await moving.upgrade();
    await moving.app.waitUntilGone(old);
    const answers = await askAll([...idle, ...fresh]);
    expect(new Set(answers.map((answer) => answer.pid))).toEqual(new Set([pid]));
    expect(answers.filter(({ saidClose }) => saidClose)).toEqual([]);
    const [first] = idle;
    const { body } = await first!.request({ path: '/count', keepBody: true });
    expect(JSON.parse(body.toString())).toEqual({ count: 2000, pid, index: 0 });
  });

  it('idle for longer than keepAliveTimeout after the move is closed', { timeout: 30_000 }, async () => {
    await using moving = new Moving({ servers: [{ listen: LOCAL, timeouts: { keepAliveTimeout: 500 } }] });
    const [port = 0] = await moving.ports();
    const [idle] = await openAsked({ port }, 1);
    await moving.upgrade();
    expect(await idle!.closed).toMatchObject({ by: 'server', idle: true, reset: false, answered: 1 });
  });

  it('in the middle of an answer, an upload or a head moves when that is over', async () => {
    await using moving = new Moving({ servers: [{ listen: LOCAL, timeouts: { keepAliveTimeout: 60_000 } }] });
    const [port = 0] = await moving.ports();
    const [slow, upload, head, pipelining] = await openAsked({ port }, 4);
    const answers = [slow!.request(requests.slow(1, 1500))];
    const pending = [upload!.begin(requests.echo(Buffer.alloc(4000, 'a'))), head!.begin(requests.fast(7))];
    pending[0]!.write(1000);
    pending[1]!.write(10);
    answers.push(...pipelining!.pipeline([requests.slow(2, 1500), requests.fast(3), requests.fast(4)]));
    const { old, pid } = await moving.upgrade();
    for (const request of pending) request.write();
    expect(
      (await Promise.all([...answers, ...pending.map(({ answer }) => answer)])).map((answer) => answer.pid),
    ).toEqual(Array(6).fill(old));
    await moving.app.waitUntilGone(old);
    expect(await askAll([slow!, upload!, head!, pipelining!])).toEqual(Array(4).fill({ pid, saidClose: false }));
  });

  it('whose client sends the next request before it has the answer moves, too', async () => {
    await using moving = new Moving({ servers: [{ listen: LOCAL }] });
    const [port = 0] = await moving.ports();
    const [client] = await openAsked({ port }, 1);
    const pids = new Set<number | undefined>();
    let isOver = false;
    const ask = async (id: number): Promise<void> => {
      if (isOver) return;
      pids.add((await client!.request(requests.slow(id, 30))).pid);
      await ask(id + 3);
    };
    const asking = [ask(0), ask(1), ask(2)];
    const { old, pid } = await moving.upgrade();
    await moving.app.waitUntilGone(old);
    isOver = true;
    await Promise.all(asking);
    expect(await askAll([client!])).toEqual([{ pid, saidClose: false }]);
    expect([...pids]).toEqual([old, pid]);
  });
});
