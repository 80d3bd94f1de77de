/** What `bye --help` says. */

import { EXIT_CODES, type ExitKind } from './exit-codes.js';
import { COMMANDS, type CommandName, OPTIONS, type OptionRule } from './options.js';

export const EXIT_MEANINGS: Readonly<Record<ExitKind, string>> = {
  done: 'done; status: the service is ready',
  failed: 'it failed: the old process serves on, or work was cut; status: not ready',
  usage: 'the command was not understood',
  refused: 'refused: nothing was started',
  'no-service': 'no service there, or not for this user',
  unknown: 'time-out or connection lost: how it ended is not known',
};

const EXAMPLES: Readonly<Record<CommandName, readonly string[]>> = {
  upgrade: ['bye upgrade --socket /run/app/bye.sock', 'bye upgrade --wait --timeout 10m', 'bye upgrade --force'],
  status: ['bye status --json', 'bye status --watch'],
  stop: ['bye stop --timeout 30s'],
};

const INDENT = '  ';

export function renderHelp(topic: CommandName | undefined): string {
  const options = Object.entries(OPTIONS as Record<string, OptionRule>).filter(
    ([, { only }]) => only === undefined || topic === undefined || only === topic,
  );
  const usage = topic === undefined ? 'bye <command> [options]' : `bye ${topic} [options]`;
  const blocks = [
    [`Usage: ${usage}`, ...(topic === undefined ? [] : [capitalize(COMMANDS[topic])])],
    topic === undefined ? ['Commands', ...table(Object.entries(COMMANDS))] : undefined,
    ['Options', ...table(options.map(([name, rule]) => [renderOption(name, rule), renderRule(rule, topic)]))],
    [
      'Exit codes',
      ...table(Object.entries(EXIT_CODES).map(([kind, code]) => [`${code}`, EXIT_MEANINGS[kind as ExitKind]])),
    ],
    [
      'Examples',
      ...(topic === undefined ? Object.values(EXAMPLES).flat() : EXAMPLES[topic]).map((line) => INDENT + line),
    ],
    topic === undefined ? ['More of one: bye help upgrade. All of it: docs/command.md of bye'] : undefined,
  ];
  return `${blocks.flatMap((block) => (block === undefined ? [] : [block.join('\n')])).join('\n\n')}\n`;
}

function renderOption(name: string, { short, value }: OptionRule): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

function renderRule({ only, help }: OptionRule, topic: CommandName | undefined): string {
  return only === undefined || topic !== undefined ? help : `${only}: ${help}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([head]) => head.length));
  return rows.map(([head, text]) => `${INDENT}${head.padEnd(width)}  ${text}`);
}

function capitalize(text: string): string {
  return `${text[0]?.toUpperCase()}${text.slice(1)}`;
}
