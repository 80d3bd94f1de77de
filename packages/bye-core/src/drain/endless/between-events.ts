/** Waits for the application to complete the event that it is writing. */

import type { Host } from '../../host.js';
import type { EventTail } from './event-tail.js';

/** For how long, in milliseconds; a client discards an event that is not complete. */
const EVENT_MS = 1000;

/** @param tail `undefined` if nothing is known of it: then at once */
export function whenBetweenEvents(host: Host, tail: EventTail | undefined, action: () => void): void {
  if (!tail || tail.isBetweenEvents) {
    action();
    return;
  }
  const done = () => {
    timer.cancel();
    tail.onComplete = undefined;
    action();
  };
  const timer = host.after(EVENT_MS, done, true);
  tail.onComplete = done;
}
