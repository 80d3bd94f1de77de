/** Commands and options, in the order in which help and documentation list them. */

export const COMMANDS = {
  upgrade: 'replace the service by its next version, and wait until that is ready',
  status: 'say what the service does now',
  stop: 'stop the service, and wait until it has ended',
} as const;

export type CommandName = keyof typeof COMMANDS;

export interface OptionRule {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What stands for its value in the help. */
  readonly value?: string;
  /** Where it may stand; everywhere if not set. */
  readonly only?: CommandName;
  readonly help: string;
}

const rule = <Rule extends OptionRule>(given: Rule): Rule => given;

export const OPTIONS = {
  wait: rule({ type: 'boolean', only: 'upgrade', help: 'also wait until the old process has ended' }),
  force: rule({ type: 'boolean', only: 'upgrade', help: 'tell an old process that still drains to finish now' }),
  signal: rule({
    type: 'string',
    value: 'NAME',
    only: 'upgrade',
    help: 'the signal to send to the process in the PID file [SIGUSR1]',
  }),
  watch: rule({ type: 'boolean', only: 'status', help: 'go on, with a line for every change' }),
  socket: rule({ type: 'string', value: 'PATH', help: "the service's control socket [BYE_CONTROL_SOCKET]" }),
  'pid-file': rule({ type: 'string', value: 'PATH', help: "the service's PID file, if there is no socket [PIDFILE]" }),
  timeout: rule({
    type: 'string',
    value: 'TIME',
    help: 'how long to wait: 30s, 500ms, 2m, 1h; a number alone is seconds',
  }),
  json: rule({ type: 'boolean', help: 'one JSON object a line on stdout, the result last' }),
  help: rule({ type: 'boolean', short: 'h', help: 'this text' }),
  version: rule({ type: 'boolean', help: 'the version of bye-core' }),
};

export type OptionName = keyof typeof OPTIONS;

export function isCommand(text: string | undefined): text is CommandName {
  return text !== undefined && Object.hasOwn(COMMANDS, text);
}

export function isOption(text: string): text is OptionName {
  return Object.hasOwn(OPTIONS, text);
}
