import { decodeFields } from '../raw-bytes.ts';
import { METHODS, methodName } from '../raw-methods.ts';

const OVERHEAD = 8;

export type Closed = { readonly channel: number; readonly code: number; readonly text: string };

/** What a broker has sent, taken apart: every frame must be whole and well-formed, or this throws. */
export class Answers {
  readonly names: string[] = [];
  readonly closes: Closed[] = [];
  /** Protocol headers that came in place of frames. */
  protocolHeaders = 0;

  constructor(bytes: Buffer) {
    let at = 0;
    while (at < bytes.length) {
      if (bytes.toString('latin1', at, at + 4) === 'AMQP') {
        this.protocolHeaders++;
        at += 8;
        continue;
      }
      if (bytes.length - at < OVERHEAD) throw new Error(`${bytes.length - at} octets are left over behind the last frame`);
      const size = bytes.readUInt32BE(at + 3);
      const end = at + OVERHEAD + size;
      if (end > bytes.length) throw new Error('the last frame is not whole');
      if (bytes[end - 1] !== 0xce) throw new Error('a frame without its end octet');
      this.#take(bytes[at]!, bytes.readUInt16BE(at + 1), bytes.subarray(at + 7, end - 1));
      at = end;
    }
  }

  #take(type: number, channel: number, payload: Buffer): void {
    if (this.connectionClose !== undefined && !(channel === 0)) throw new Error('something follows the close of the connection');
    if (type !== 1) return;
    const name = methodName(payload.readUInt16BE(0), payload.readUInt16BE(2));
    this.names.push(name);
    if (name !== 'connection.close' && name !== 'channel.close') return;
    const { replyCode, replyText } = decodeFields(METHODS[name][2], payload.subarray(4));
    this.closes.push({ channel: name === 'connection.close' ? 0 : channel, code: replyCode, text: replyText });
  }

  get connectionClose(): Closed | undefined {
    return this.closes.find(({ channel }) => channel === 0);
  }
}
