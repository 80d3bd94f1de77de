/** Owns a load that costs the client little: the same request on kept-alive connections, answers told by their length. */
import { connect, type Socket } from 'node:net';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: bench.test\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n');

export class LeanLoad {
  readonly #sockets: readonly Socket[];
  readonly #answerBytes: number;

  private constructor(sockets: readonly Socket[], answerBytes: number) {
    this.#sockets = sockets;
    this.#answerBytes = answerBytes;
  }

  /** Connects, and asks once to see how long an answer is. */
  static async open(port: number, connections: number): Promise<LeanLoad> {
    const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
    return new LeanLoad(sockets, await askOnce(sockets[0] as Socket));
  }

  /**
   * Sends requests, one at a time on each connection, until as many are answered.
   *
   * @throws {Error} If a connection ends, or an answer is longer than the first one was
   */
  async run(requests: number): Promise<void> {
    let unsent = requests;
    await Promise.all(
      this.#sockets.map((socket) =>
        this.#use(socket, () => {
          unsent -= 1;
          return unsent >= 0;
        }),
      ),
    );
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #use(socket: Socket, mayAsk: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (socket.destroyed) reject(new Error('the server has closed a connection'));
      let received = 0;
      const finish = (error?: Error): void => {
        socket.off('data', onData).off('close', onClose);
        if (error) reject(error);
        else resolve();
      };
      const onClose = (): void => finish(new Error('the server closed a connection'));
      const onData = (chunk: Buffer): void => {
        received += chunk.length;
        if (received < this.#answerBytes) return;
        if (received > this.#answerBytes) {
          finish(new Error('an answer is longer than the first one'));
          return;
        }
        received = 0;
        ask();
      };
      const ask = (): void => {
        if (mayAsk()) socket.write(REQUEST);
        else finish();
      };
      socket.on('data', onData).on('close', onClose);
      ask();
    });
  }
}

/** @returns how many bytes the answer has */
function askOnce(socket: Socket): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const head = text.indexOf('\r\n\r\n') + 4;
      const body = /^content-length: (\d+)/im.exec(text)?.[1];
      if (head < 4) return;
      if (!text.startsWith('HTTP/1.1 200 ') || body === undefined) reject(new Error(`Not the answer wanted: ${text}`));
      else if (text.length >= head + Number(body)) {
        socket.off('data', onData);
        resolve(text.length);
      }
    };
    socket.on('data', onData).write(REQUEST);
  });
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject).once('connect', () => {
      socket.off('error', reject).on('error', () => {}); // its 'close' is heard
      resolve(socket);
    });
  });
}
