/** The server's half of an opening handshake, found in what the application writes (RFC 6455, 4.2.2). */

const END = '\r\n\r\n';
/** No head of an answer is longer; what goes on is no HTTP. */
const MAX_HEAD_BYTES = 64 * 1024;

export class Handshake {
  #head = '';
  /** `undefined` while the head is not complete. */
  accepted: boolean | undefined;

  /** @returns what came behind the head, which is the first frame */
  push(bytes: Uint8Array): Uint8Array {
    const text = this.#head + Buffer.from(bytes).toString('latin1');
    const end = text.indexOf(END);
    if (end < 0) {
      this.#head = text;
      if (text.length > MAX_HEAD_BYTES) this.accepted = false;
      return bytes.subarray(bytes.length);
    }
    this.accepted = /^HTTP\/1\.1 101 /.test(text);
    const behind = text.length - end - END.length;
    this.#head = '';
    return bytes.subarray(bytes.length - behind);
  }
}
