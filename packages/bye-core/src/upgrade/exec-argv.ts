/** Node's own options on a command line: which belong to one run only, and which take the next token as their value. */

/** Debugger, watcher, profilers: a second process with them fights for the port or overwrites the file. */
const ONE_RUN = /^--(?:inspect|debug-port|watch|prof|cpu-prof|heap-prof|heapsnapshot)/;

/** Of those, the ones with a value that may stand in the next token. */
const ONE_RUN_WITH_VALUE = new Set([
  '--inspect-port',
  '--inspect-publish-uid',
  '--debug-port',
  '--watch-path',
  '--watch-kill-signal',
  '--cpu-prof-dir',
  '--cpu-prof-name',
  '--cpu-prof-interval',
  '--heap-prof-dir',
  '--heap-prof-name',
  '--heap-prof-interval',
  '--heapsnapshot-signal',
  '--heapsnapshot-near-heap-limit',
]);

/** Others with a value in the next token, as people use them before a script. */
const WITH_VALUE = new Set([
  ...ONE_RUN_WITH_VALUE,
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
  '--env-file',
  '--env-file-if-exists',
  '--title',
  '--icu-data-dir',
  '--openssl-config',
  '--input-type',
  '--experimental-default-type',
  '--max-http-header-size',
  '--dns-result-order',
  '--unhandled-rejections',
]);

const EVALUATES = /^(?:-e|-p|-pe|-i|-|--interactive|--(?:eval|print)(?:=.*)?)$/s;

/** Node's options for the next process: without a debugger, a watcher or a profiler. */
export function stripExecArgv(execArgv: readonly string[]): string[] {
  const dropped = findOneRun(execArgv);
  return execArgv.filter((_, index) => !dropped.has(index));
}

/** The same for the text of `NODE_OPTIONS`, where double quotes hold a token with spaces together. */
export function stripNodeOptions(text: string): string {
  const tokens = text.match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [];
  const dropped = findOneRun(tokens.map((token) => token.replaceAll('"', '')));
  return tokens.filter((_, index) => !dropped.has(index)).join(' ');
}

/** Whether Node was told to run code instead of a file. */
export function evaluatesCode(execArgv: readonly string[]): boolean {
  return execArgv.some((token) => EVALUATES.test(token));
}

/** The first argument of an interpreter that is neither an option nor the value of one. */
export function findScript(args: readonly string[]): string | undefined {
  for (let index = 0; index < args.length; index += 1) {
    const token = args[index] ?? '';
    if (token === '--') return args[index + 1];
    if (!token.startsWith('-')) return token;
    if (WITH_VALUE.has(optionName(token)) && !token.includes('=')) index += 1;
  }
  return undefined;
}

/** Positions of the tokens that belong to one run only, their values included. */
function findOneRun(tokens: readonly string[]): Set<number> {
  const found = new Set<number>();
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index] ?? '';
    const name = optionName(token);
    if (!ONE_RUN.test(name)) {
      // The value of another option may look like one of ours.
      if (WITH_VALUE.has(name) && !token.includes('=')) index += 1;
      continue;
    }
    found.add(index);
    if (ONE_RUN_WITH_VALUE.has(name) && !token.includes('=')) found.add(++index);
  }
  return found;
}

/** Node reads `--cpu_prof` as `--cpu-prof`. */
function optionName(token: string): string {
  return token.startsWith('--') ? (token.split('=')[0] ?? token).replaceAll('_', '-') : token;
}
