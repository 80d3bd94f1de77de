/** The command: from what was typed to an exit code. */

import { toErrorMessage } from '../channel/messages.js';
import { ByeError } from '../errors.js';
import type { Host } from '../host.js';
import { VERSION } from '../version.js';
import { type Command, type Invocation, parseCommand, wantsJson } from './arguments.js';
import { runByPidFile } from './by-pid-file.js';
import { runBySocket } from './by-socket.js';
import { EXIT_CODES, exitCodeOf } from './exit-codes.js';
import { renderHelp } from './help.js';
import { JsonReporter } from './json-reporter.js';
import { Patience } from './patience.js';
import type { Reporter } from './reporter.js';
import type { CommandResult } from './result.js';
import type { Surroundings } from './target.js';
import type { Terminal } from './terminal.js';
import { TextReporter } from './text-reporter.js';

export interface RunParts {
  readonly host: Host;
  readonly terminal: Terminal;
  readonly surroundings: Surroundings;
}

/** Service that says nothing: beyond its slowest answer, and beyond the defaults of upgradeTimeoutMs and shutdownTimeoutMs. */
const SILENCE_MS = { socket: 30_000, 'pid-file': 75_000 } as const;

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @returns the exit code; never rejects */
export async function run(parts: RunParts): Promise<number> {
  const { terminal } = parts;
  let invocation: Invocation;
  try {
    invocation = parseCommand(terminal.args, parts.surroundings);
  } catch (error) {
    const result: CommandResult = { ok: false, request: '', error: toErrorMessage(error) };
    return tell(createReporter(parts, undefined), result);
  }
  if (invocation.kind === 'run') return runCommand(invocation.command, parts);
  terminal.out.write(invocation.kind === 'version' ? `${VERSION}\n` : renderHelp(invocation.topic));
  return EXIT_CODES.done;
}

async function runCommand(command: Command, parts: RunParts): Promise<number> {
  const { host } = parts;
  const { target, request } = command;
  const reporter = createReporter(parts, command);
  const giveUp = new AbortController();
  const patience = new Patience({
    host,
    timeoutMs: command.timeoutMs,
    silenceMs: SILENCE_MS[target.kind],
    onEnd: (error) => giveUp.abort(error),
  });
  const interrupt = (signal: NodeJS.Signals) => giveUp.abort(interrupted(signal, command));
  const handlers = INTERRUPTS.map((signal) => host.onSignal(signal, () => interrupt(signal)));
  // As in `bye status --watch | head`: it would go on for nobody. Any other command is known by its exit code, too.
  if (command.watch) parts.terminal.out.onGone(() => interrupt('SIGPIPE'));
  const context = { host, reporter, patience, signal: giveUp.signal };
  try {
    const result = await (target.kind === 'socket'
      ? runBySocket(command, target.path, context)
      : runByPidFile(command, target.path, context));
    return tell(reporter, result);
  } catch (error) {
    // An error that nobody foresaw says nothing about the service.
    const unforeseen = error instanceof ByeError ? undefined : EXIT_CODES.unknown;
    const code = tell(reporter, { ok: false, request, error: toErrorMessage(error) }, unforeseen);
    const pidFile = target.kind === 'socket' ? target.pidFile : undefined;
    if (code === EXIT_CODES['no-service'] && pidFile !== undefined) {
      reporter.note(`  A PID file is known, too: bye ${request} --pid-file ${pidFile}`);
    }
    return code;
  } finally {
    patience.end();
    for (const stopListening of handlers) stopListening();
  }
}

function createReporter({ host, terminal }: RunParts, command: Command | undefined): Reporter {
  if (wantsJson(terminal.args)) return new JsonReporter((text) => terminal.out.write(text));
  return new TextReporter({ host, terminal, waits: command?.wait ?? false, watches: command?.watch ?? false });
}

function tell(reporter: Reporter, result: CommandResult, exitCode = exitCodeOf(result)): number {
  reporter.result(result, exitCode);
  return exitCode;
}

function interrupted(signal: NodeJS.Signals, { request }: Command): ByeError {
  const rest = request === 'status' ? '' : `: the ${request} goes on in the service`;
  return new ByeError('ERR_BYE_INTERRUPTED', `No longer waiting, on ${signal}${rest}`, { signal });
}
