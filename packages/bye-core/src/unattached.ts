/** Servers that listen while none is attached: those of an application that does not know bye, or forgotten ones. */

import type { Emit } from './diagnostics.js';
import type { Host, Timer } from './host.js';

/** For how long no new `listen()` may come before the application counts as one that does not know bye. In milliseconds. */
const QUIET_MS = 1000;
/** How long an application that knows it may take to attach one, in milliseconds. */
const FORGOTTEN_MS = 10_000;

export interface UnattachedServersParts {
  readonly host: Pick<Host, 'after'>;
  readonly emit: Emit;
  /** Whether the process still waits to become ready. */
  readonly isStarting: () => boolean;
  /** Whether a server of the application is attached and listens. */
  readonly hasAttached: () => boolean;
  /** Whether the process listens wherever its predecessor did. */
  readonly allClaimed: () => boolean;
  /** Makes all that listen servers of the application. */
  readonly takeAll: () => void;
}

export class UnattachedServers {
  readonly #parts: UnattachedServersParts;
  /** `register` made the instance, and the application has not asked for it so far. */
  #isAlone = true;
  #isListening = false;
  #timer: Timer | undefined;

  constructor(parts: UnattachedServersParts) {
    this.#parts = parts;
  }

  /** The application has asked for the instance, and attaches itself what is to be attached. */
  claim(): void {
    if (!this.#isAlone) return;
    this.#isAlone = false;
    if (this.#isListening) this.noteListening();
  }

  /** A server listens that is not attached. */
  noteListening(): void {
    this.#isListening = true;
    this.#timer?.cancel();
    this.#timer = this.#parts.host.after(this.#isAlone ? QUIET_MS : FORGOTTEN_MS, () => this.#look());
  }

  /** A drain begins: whoever has not attached a server will not any more. */
  settle(): void {
    this.#timer?.cancel();
    if (this.#isAlone && this.#isListening) this.#parts.takeAll();
  }

  #look(): void {
    const { emit, isStarting, hasAttached, allClaimed, takeAll } = this.#parts;
    // Ready with only a part of its listeners, it would close the others, whose listen() may be yet to come.
    if (this.#isAlone && !allClaimed()) this.noteListening();
    else if (this.#isAlone) takeAll();
    else if (isStarting() && !hasAttached())
      emit('warning', {
        message:
          'servers listen in this process, and none is attached to bye: it does not become ready, and a stop does not wait for their requests. Pass the server to bye.attach(), or the outermost application to the adapter',
      });
  }
}
