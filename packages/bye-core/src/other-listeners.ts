/** Names whoever else answers the signals of this process: they may end it early (T20), and are never removed. */

import type { Emit } from './diagnostics.js';
import type { Host, SignalListener } from './host.js';

/** How much of its code names a function without a name. */
const SHOWN_CODE = 60;

/** Known by what their code says, as they can be there before bye is, and bring no name along. */
const KNOWN: readonly [code: RegExp, advice: string][] = [
  [
    /\brun\(\{ signal \}\)/,
    'close-with-grace closes the application and exits by itself, in fastify-cli after 500 ms: start that with --close-grace-delay=30000, or the application by a script of its own',
  ],
  [
    /\breceivedSignal\b/,
    "NestJS's shutdown hooks run while requests are in progress: leave enableShutdownHooks() out, and use bye.onClose(() => app.close())",
  ],
  [/\bnextServer\b/, 'Next.js closes its server and exits by itself: set NEXT_MANUAL_SIG_HANDLE=1'],
  [
    /\bsdk\.shutdown\(/,
    'OpenTelemetry ends its SDK before the last requests: start the SDK in a file of your own, and use bye.onClose(() => sdk.shutdown())',
  ],
];

/** signal-exit stands back if somebody else listens. */
const HARMLESS = /__signal_exit_emitter__|listeners\.length === emitter\.count/;

export interface OtherListenersParts {
  readonly host: Pick<Host, 'otherListeners'>;
  readonly emit: Emit;
  /** Those that this instance answers. */
  readonly signals: () => readonly NodeJS.Signals[];
}

export class OtherListeners {
  readonly #parts: OtherListenersParts;
  #hasTold = false;

  constructor(parts: OtherListenersParts) {
    this.#parts = parts;
  }

  /** Looks who is there, and warns of all together, once. */
  look(): void {
    if (this.#hasTold) return;
    const { host, emit, signals } = this.#parts;
    const found = new Map<string, string[]>();
    for (const signal of new Set(signals())) {
      for (const what of new Set(host.otherListeners(signal).flatMap(describeListener))) {
        found.set(what, [...(found.get(what) ?? []), signal]);
      }
    }
    if (found.size === 0) return;
    this.#hasTold = true;
    const listed = [...found].map(([what, names]) => `${names.join(', ')}: ${what}`);
    emit('warning', { message: `bye is not the only one to answer its signals. ${listed.join('. ')}` });
  }
}

function describeListener(listener: SignalListener): string[] {
  const code = String(listener);
  if (HARMLESS.test(code)) return [];
  const known = KNOWN.find(([pattern]) => pattern.test(code));
  if (known) return [known[1]];
  const name = listener.name || code.replace(/\s+/g, ' ').slice(0, SHOWN_CODE);
  return [`the function ${JSON.stringify(name)}: what it does belongs into bye.onShutdown() or bye.onClose()`];
}
