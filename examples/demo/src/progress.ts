/** Owns the live view: who serves, how much, and what went wrong. */
import type { App, Traffic } from '@bye/testkit';
import type { Screen } from './screen.js';

/**
 * Shows the state of the load until the returned function is called.
 * @returns ends the view
 */
export function showProgress(screen: Screen, traffic: Traffic, app: App): () => void {
  let before = traffic.counts();
  let at = performance.now();
  let rate = 0;
  let serving = 'nobody yet';
  const timer = setInterval(() => {
    const counts = traffic.counts();
    const elapsedMs = performance.now() - at;
    if (elapsedMs >= 500) {
      rate = Math.round(((counts.ok - before.ok) / elapsedMs) * 1000);
      const answering = [...counts.byPid].filter(([pid, ok]) => ok > (before.byPid.get(pid) ?? 0));
      serving = answering.map(([pid]) => nameOf(app, pid)).join(' and ') || 'nobody';
      before = counts;
      at = performance.now();
    }
    const text = `${rate} requests/s, ${counts.failed} failed, ${counts.ok} answered, now by ${serving}`;
    screen.show(text, counts.failed === 0 ? screen.paint.good : screen.paint.bad);
  }, 100);
  return () => clearInterval(timer);
}

/** @returns `pid 123 (generation 1)` */
export function nameOf(app: App, pid: number): string {
  const generation = app.generations().findLast((one) => one.pid === pid)?.generation;
  return generation === undefined ? `pid ${pid}` : `pid ${pid} (generation ${generation})`;
}
