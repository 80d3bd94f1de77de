import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cleanEnvironment, until } from '@bye/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BYE, byeJson, CommandRig, LONG } from './command.js';

// The command on a terminal: script(1) of util-linux makes one.

const SCRIPT = '/usr/bin/script';
const COLUMNS = 40;

let rig: CommandRig;
beforeEach(() => {
  rig = new CommandRig();
});
afterEach(() => rig[Symbol.dispose]());

class Terminal {
  readonly #child;
  #shown = '';
  readonly ended: Promise<{ code: number; shown: string }>;

  constructor(args: string, env: Record<string, string> = {}) {
    const command = `stty cols ${COLUMNS}; exec ${process.execPath} ${BYE} ${args}`;
    this.#child = spawn(SCRIPT, ['-qec', command, '/dev/null'], {
      env: cleanEnvironment({ TERM: 'xterm', ...env }),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.#shown += text;
    });
    this.ended = once(this.#child, 'close').then(([code]) => ({ code, shown: this.#shown.replaceAll('\x1b', 'ESC') }));
  }

  async shows(text: string): Promise<void> {
    await until(() => this.#shown.includes(text), { what: `${text} in ${JSON.stringify(this.#shown)}`, ...LONG });
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }
}

describe.skipIf(process.platform !== 'linux' || !existsSync(SCRIPT))('on a terminal', () => {
  it('one line is rewritten, fits, and is gone in the end', async () => {
    await using app = rig.start({ options: { upgradeTimeoutMs: 2500 } });
    await app.waitForGeneration(0, LONG);
    rig.deploy('hang');
    const { code, shown } = await new Terminal(`upgrade --socket ${rig.socket}`).ended;
    expect(code).toBe(1);
    const [before = '', after = ''] = shown.split('\rESC[KESC[31mbye upgrade:ESC[39m');
    const rewritten = [...before.matchAll(/\rESC\[2m(.*?)ESC\[22mESC\[K/g)].map(({ 1: text = '' }) => text);
    expect(new Set(rewritten).size).toBe(rewritten.length);
    expect(rewritten.length).toBeGreaterThan(1);
    for (const text of rewritten) expect(text).toMatch(/^upgrade to generation 1, \d s left: .*…$/);
    for (const text of rewritten) expect(text.length).toBeLessThan(COLUMNS);
    expect(after).toContain('ERR_BYE_UPGRADE_TIMEOUT');
    expect(after).not.toContain('\rESC');
  });

  it('Ctrl-C takes the line away and says that the upgrade goes on', async () => {
    await using app = rig.start();
    await app.waitForGeneration(0, LONG);
    rig.deploy('hang');
    const terminal = new Terminal(`upgrade --socket ${rig.socket}`, { NO_COLOR: '1' });
    await terminal.shows('left: ');
    terminal.type('\x03');
    const { code, shown } = await terminal.ended;
    expect(code).toBe(130);
    expect(shown).toMatch(/…ESC\[K(\^C)?\rESC\[Kbye upgrade: No longer waiting, on SIGINT: the upgrade goes on/);
    expect(shown).not.toContain('ESC[3');
    const newPid = await rig.hanging(app);
    expect((await byeJson(['status', '--socket', rig.socket])).result).toMatchObject({
      status: { upgrade: { pid: newPid } },
    });
    await rig.end(app, newPid);
  });

  it('TERM=dumb gets plain lines', async () => {
    await using app = rig.start();
    await app.waitForGeneration(0, LONG);
    const { code, shown } = await new Terminal(`upgrade --socket ${rig.socket}`, { TERM: 'dumb' }).ended;
    await app.waitForGeneration(1, LONG);
    expect(code).toBe(0);
    expect(shown).not.toContain('ESC');
  });
});
