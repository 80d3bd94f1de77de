/** Owns a server process that says what it has used of the CPU, under a load of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { serverFile } from '../processes.js';
import { LeanLoad } from './lean-load.js';

const CONNECTIONS = 32;

export class MeasuredServer {
  readonly #child: ChildProcess;
  readonly #load: LeanLoad;

  private constructor(child: ChildProcess, load: LeanLoad) {
    this.#child = child;
    this.#load = load;
  }

  /** @param args - the framework, and what is measured; then options of Node */
  static async start(args: readonly string[], execArgv: readonly string[] = []): Promise<MeasuredServer> {
    const child = fork(serverFile('overhead.mjs'), args, { execArgv: [...execArgv] });
    const ended = once(child, 'exit').then(() => {
      throw new Error(`The server ${args.join(' ')} ended before it listened`);
    });
    const [{ port }] = (await Promise.race([once(child, 'message'), ended])) as [{ port: number }];
    ended.catch(() => {}); // from now on it may
    return new MeasuredServer(child, await LeanLoad.open(port, CONNECTIONS));
  }

  /** @returns the CPU time, user's and system's, that the server took for them; in microseconds */
  async serve(requests: number): Promise<number> {
    const before = await this.#cpuMicros();
    await this.#load.run(requests);
    return (await this.#cpuMicros()) - before;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    this.#load.close();
    await exited;
  }

  async #cpuMicros(): Promise<number> {
    const answer = once(this.#child, 'message');
    this.#child.send('cpu');
    const [{ user, system }] = (await answer) as [NodeJS.CpuUsage];
    return user + system;
  }
}
