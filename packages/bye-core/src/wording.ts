/** Numbers in sentences. */

/** `1 request`, `2 requests`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** What a process still has to do, for people. */
export function describeWork(work: { inFlight: number; connections: number; tasks: number }): string {
  return [count(work.inFlight, 'request'), count(work.connections, 'connection'), count(work.tasks, 'task')].join(', ');
}
