// The table of what only some files may use.

const CORE = 'packages/bye-core/src/';
const ADAPTERS = ['packages/fastify-bye/src/', 'packages/express-bye/src/', 'packages/koa-bye/src/'];
const PACKAGES = /^packages\/[^/]+\/src\//;
const TIMER = /(?<![.\w$])(?:globalThis\.)?(?:setTimeout|setInterval)\b(?!\s*\??:)/;

/**
 * What may be used only in some files. `in` picks the files, `except` frees some of them. A `pattern` sees code without
 * comments and strings, or with its strings when `strings` is set. `escape` frees a line that ends in `// house: <reason>`.
 */
export const USES = [
  {
    in: CORE,
    except: ['host.ts'],
    pattern: /\bprocess\.(?:exit|kill|abort|reallyExit)\b/,
    say: 'ends a process; ask host.ts for it',
  },
  {
    in: CORE,
    except: ['host.ts'],
    pattern: /\bprocess\.(?:on|once|addListener|prependListener)\(\s*(?:['"`]SIG|[^'"`\s])/,
    strings: true,
    say: 'listens to a signal; ask host.ts for it',
  },
  {
    in: CORE,
    except: ['host.ts'],
    pattern: /['"](?:node:)?child_process['"]/,
    strings: true,
    say: 'starts processes; ask host.ts for it',
  },
  {
    in: CORE,
    except: ['host.ts'],
    pattern: /['"](?:node:)?timers(?:\/promises)?['"]/,
    strings: true,
    say: 'sets timers; ask host.ts for one',
  },
  { in: CORE, except: ['host.ts'], pattern: TIMER, say: 'sets a timer; ask host.ts for one' },
  {
    in: CORE,
    except: ['host.ts'],
    pattern: /\bDate\.now\b|\bperformance\.now\b|\bprocess\.hrtime\b/,
    say: 'reads the clock; ask host.ts for the time',
  },
  {
    in: CORE,
    except: ['host.ts', 'preload.ts', 'channel/'],
    pattern: /\bprocess\.send\b/,
    say: 'uses the IPC channel; leave that to channel/',
  },
  { in: ADAPTERS, pattern: /(?<![.\w$])process\./, say: 'uses process in an adapter; move it to bye-core' },
  {
    in: ADAPTERS,
    pattern: /['"](?:node:)?process['"]/,
    strings: true,
    say: 'uses process in an adapter; move it to bye-core',
  },
  { in: ADAPTERS, pattern: TIMER, say: 'sets a timer in an adapter; move it to bye-core' },
  {
    in: ADAPTERS,
    pattern: /['"`]SIG[A-Z]+\d?['"`]/,
    strings: true,
    say: 'names a signal in an adapter; move it to bye-core',
  },
  {
    in: PACKAGES,
    except: ['env.ts', 'preload.ts'],
    pattern: /\bprocess\.env\b|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/,
    say: 'reads the environment; declare the variable in env.ts',
  },
  {
    in: PACKAGES,
    except: ['internals.ts', 'internals-moving.ts', 'internals-tls.ts'],
    escape: true,
    pattern: /\._handle\b|\._pipeName\b|\._httpMessage\b|\._connections\b|process\.binding|\._send\b|\._sharedCreds\b/,
    say: 'touches an undocumented member of Node; put it in internals.ts, or end the line with `// house: <reason>`',
  },
  { in: CORE, pattern: /\bexport\s+default\b|\bas\s+default\b/, say: 'exports a default; export it by name' },
  { in: PACKAGES, pattern: /(?<![.\w$])console\s*\./, say: 'writes to the console; use the logger' },
];
