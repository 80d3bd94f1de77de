/** Owns what a measurement knows of the thing measured. */

/** A service that runs. */
export interface Service extends AsyncDisposable {
  readonly port: number;
  /** Puts the next version in its place. Resolves when the replaced processes have ended, by themselves or not. */
  replace(): Promise<void>;
}

/** A way to replace a service while it is used. */
export interface Contender {
  readonly name: string;
  /** This suite. */
  readonly isOurs?: boolean;
  /** Which version, and how it is set up: what makes the figure fair or unfair. */
  readonly setup: string;
  /** Keep-alive clients send four requests in one write. @defaultValue false */
  readonly pipelined?: boolean;
  /** @returns why it cannot be measured here */
  readonly missing?: () => string | undefined;
  start(): Promise<Service>;
}

/** A way to stop a service while it is used: a program that ends itself at SIGTERM. */
export interface Stopper {
  readonly name: string;
  readonly isOurs?: boolean;
  readonly setup: string;
  /** A file of bench/servers. */
  readonly server: string;
  readonly env?: Readonly<Record<string, string>>;
}
