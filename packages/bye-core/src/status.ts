/** The words for where a process is in its life, and the only legal steps between them. */

/** `starting -> ready -> draining -> stopped`; `starting -> draining` is legal too. */
export type Status = 'starting' | 'ready' | 'draining' | 'stopped';

/** Where in the drain: the delay for balancers, requests in flight, tasks, close hooks. `undefined` outside of it. */
export type Phase = 'delay' | 'requests' | 'tasks' | 'hooks';

/** Why a process looks for no new work: it was told to stop, or a new process took over. */
export type Reason = 'stop' | 'upgrade';

const NEXT: Readonly<Record<Status, readonly Status[]>> = {
  starting: ['ready', 'draining'],
  ready: ['draining'],
  draining: ['stopped'],
  stopped: [],
};

/** Whether a process may go from one status to the other. */
export function isLegalStep(from: Status, to: Status): boolean {
  return NEXT[from].includes(to);
}
