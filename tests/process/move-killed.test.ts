import { createRandom, type StrictConnection, startTraffic } from '@bye/testkit';
import { expect, it } from 'vitest';
import { pass } from './lab.js';
import { askAll, Moving, openAsked, openFresh } from './moving.js';

/** BYE_KILLS=200 for the long run. */
const KILLS = Number(process.env['BYE_KILLS'] ?? 12);
const SEED = Number(process.env['BYE_SEED'] ?? 1);

it('a new process that is killed while connections move costs none but those it had taken (M5)', {
  timeout: 60_000 + KILLS * 5000,
}, async () => {
  const random = createRandom(SEED);
  await using moving = new Moving({ servers: [{ listen: { port: 0 }, timeouts: { keepAliveTimeout: 600_000 } }] });
  const { app } = moving;
  const [port = 0] = await moving.ports();
  const open = async (count: number) => [
    ...(await openAsked({ port }, count - Math.floor(count / 4))),
    ...(await openFresh({ port }, Math.floor(count / 4))),
  ];
  let connections: StrictConnection[] = await open(400);
  const traffic = startTraffic({ target: { port }, keepAliveClients: 8, freshClients: 4, mix: { large: 0 } });
  let moved = 0;
  let lost = 0;
  let killed = 0;
  for (let generation = app.current().generation; killed < KILLS; ) {
    const from = app.log.lines.length;
    const old = app.current().pid;
    app.kill('SIGUSR1', old);
    const ready = await app.waitForLine(new RegExp(`ready pid=\\d+ generation=${generation + 1} `), {
      from,
      timeoutMs: 20_000,
    });
    await pass(random.next() * 120);
    const isTakenOver = app.log.lines.slice(from).some(({ text }) => text.includes('draining: replaced'));
    const pid = Number(/pid=(\d+)/.exec(ready)?.[1]);
    if (!isTakenOver) app.kill('SIGKILL', pid);
    const outcome = await app.waitForLine(/upgraded to|upgrade failed|ended after it took over/, {
      from,
      timeoutMs: 20_000,
    });
    if (outcome.includes('ended after')) throw new Error(`The kill came too late:\n${app.log}`);
    const isKilled = outcome.includes('failed');
    if (isKilled) {
      expect(outcome).toContain('was ended by SIGKILL before it had taken over');
      killed += 1;
      const tellsMoved = app.log.lines.slice(from).find(({ text }) => text.includes('connections moved to'));
      moved += Number(/(\d+) connections moved/.exec(tellsMoved?.text ?? '')?.[1] ?? 0);
    } else {
      generation += 1;
      await app.waitUntilGone(old);
    }
    const answered = await Promise.allSettled(connections.map((connection) => askAll([connection])));
    const alive = connections.filter((_connection, index) => answered[index]?.status === 'fulfilled');
    expect(new Set(answered.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value[0]?.pid : [])))).toEqual(
      new Set([isKilled ? old : pid]),
    );
    lost += connections.length - alive.length;
    connections = [...alive, ...(await open(connections.length - alive.length))];
  }
  const counts = await traffic.stop();
  // What the new process was answering when it was killed; anything else is nobody's right.
  expect(counts.failures.filter(({ failure }) => !['reset', 'eof-before-answer'].includes(failure))).toEqual([]);
  expect(lost + counts.failed + counts.idleCloses).toBeLessThanOrEqual(moved);
  if (process.env['BYE_KILLS'])
    console.log({ killed, moved, lost, failed: counts.failed, idleCloses: counts.idleCloses, ok: counts.ok });
});
