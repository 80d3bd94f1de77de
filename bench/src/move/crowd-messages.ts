/** Owns what the measurement and its client processes say to each other. */

/** From the measurement. */
export type Order =
  | { readonly do: 'open'; readonly port: number; readonly count: number }
  /** From now on these many of the connections ask again and again, with a pause between. */
  | { readonly do: 'probe'; readonly count: number }
  /** Ends the probes, and lets every connection ask once. */
  | { readonly do: 'ask'; readonly pid: number };

/** A request of a probe; the time is that of the clock, as it is compared with another process's. */
export interface Probe {
  readonly at: number;
  readonly durationMs: number;
}

/** What has become of the connections. */
export interface Census {
  /** Answered by the process asked for, on the connection as it was opened. */
  readonly moved: number;
  /** Answered by another process. */
  readonly elsewhere: number;
  /** Closed by the server, so that the client has to open a new one. */
  readonly closed: number;
  readonly failed: number;
  readonly probes: readonly Probe[];
}
