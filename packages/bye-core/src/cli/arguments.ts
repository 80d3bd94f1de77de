/** What was typed. */

import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { ByeError } from '../errors.js';
import { parseDuration } from './duration.js';
import { findNearest } from './nearest.js';
import {
  COMMANDS,
  type CommandName,
  isCommand,
  isOption,
  OPTIONS,
  type OptionName,
  type OptionRule,
} from './options.js';
import { chooseTarget, type Surroundings, type Target } from './target.js';

export interface Command {
  readonly request: CommandName;
  readonly target: Target;
  readonly wait: boolean;
  readonly force: boolean;
  readonly watch: boolean;
  readonly signal: NodeJS.Signals;
  readonly timeoutMs: number | undefined;
}

export type Invocation =
  | { readonly kind: 'help'; readonly topic: CommandName | undefined }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly command: Command };

type Values = Partial<Record<OptionName, string | true>>;

/** Whether errors, those of the other arguments included, are to be told in JSON. */
export function wantsJson(args: readonly string[]): boolean {
  return args.includes('--json');
}

/** @throws {ByeError} If it makes no sense (`ERR_BYE_USAGE`) */
export function parseCommand(args: readonly string[], surroundings: Surroundings): Invocation {
  const { values, words } = takeApart(args);
  const [name, topic, ...more] = words;
  if (values.version) return { kind: 'version' };
  if (name === 'help') return { kind: 'help', topic: topic === undefined ? undefined : toCommand(topic) };
  if (values.help) return { kind: 'help', topic: isCommand(name) ? name : undefined };
  if (name === undefined) {
    const names = Object.keys(COMMANDS).join(', ');
    throw new ByeError('ERR_BYE_USAGE', `Cannot guess the command: give one of ${names}`, { argument: '' });
  }
  const request = toCommand(name);
  const surplus = topic ?? more[0];
  if (surplus !== undefined) throw misused(`'${surplus}'`, surplus, `${request} takes no more words`);
  for (const option of Object.keys(values) as OptionName[]) {
    const { only }: OptionRule = OPTIONS[option];
    if (only !== undefined && only !== request) throw misused(`--${option}`, option, `it belongs to 'bye ${only}'`);
  }
  const target = chooseTarget(text(values, 'socket'), text(values, 'pid-file'), surroundings);
  refuseWithout(target, values);
  return {
    kind: 'run',
    command: {
      request,
      target,
      wait: values.wait === true,
      force: values.force === true,
      watch: values.watch === true,
      signal: toSignal(text(values, 'signal')),
      timeoutMs: toTimeout(text(values, 'timeout')),
    },
  };
}

/** Not strict, so that what is wrong is said in our words, with what may have been meant. */
function takeApart(args: readonly string[]): { values: Values; words: string[] } {
  const options = Object.fromEntries(
    Object.entries(OPTIONS as Record<string, OptionRule>).map(([name, { type, short }]) => [
      name,
      { type, ...(short === undefined ? {} : { short }) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const values: Values = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    if (!isOption(name)) throw misused(rawName, rawName, suggest(name, Object.keys(OPTIONS), '--'));
    const { type, value: sample }: OptionRule = OPTIONS[name];
    if (type === 'boolean' && value !== undefined) throw misused(rawName, rawName, 'it takes no value');
    if (type === 'string' && (!value || (!inlineValue && value.startsWith('-')))) {
      throw misused(rawName, rawName, `it needs a value: --${name} ${sample}`);
    }
    values[name] = value ?? true;
  }
  return { values, words };
}

function refuseWithout(target: Target, { force, watch, signal }: Values): void {
  if (target.kind === 'pid-file') {
    const option = force ? 'force' : watch ? 'watch' : undefined;
    if (option) throw misused(`--${option}`, option, 'it needs the control socket, and only a PID file is known');
  } else if (signal !== undefined) {
    throw misused('--signal', 'signal', 'it is for a service that is known by its PID file, not by its control socket');
  }
}

function toCommand(name: string): CommandName {
  if (isCommand(name)) return name;
  throw misused(`'${name}'`, name, suggest(name, Object.keys(COMMANDS), 'bye '));
}

function toSignal(text = 'SIGUSR1'): NodeJS.Signals {
  const name = text.toUpperCase().replace(/^(?!SIG)/, 'SIG');
  const names = Object.keys(constants.signals);
  if (names.includes(name)) return name as NodeJS.Signals;
  throw misused(`'${text}' as --signal`, text, suggest(name, names, ''));
}

function toTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw misused(`'${text}' as --timeout`, text, 'write 30s, 500ms, 2m or 1h, at most 24 days');
  return ms;
}

function text(values: Values, name: OptionName): string | undefined {
  const value = values[name];
  return value === true ? undefined : value;
}

function suggest(text: string, words: readonly string[], prefix: string): string {
  const nearest = findNearest(text, words);
  return nearest === undefined ? 'there is none of that name' : `did you mean ${prefix}${nearest}?`;
}

function misused(what: string, argument: string, why: string): ByeError {
  return new ByeError('ERR_BYE_USAGE', `Cannot use ${what}: ${why}`, { argument });
}
