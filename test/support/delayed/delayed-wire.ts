/** Publishes of delayed messages and their deliveries as bytes: millions of them have to cost the test less than the broker. */
import { connect } from 'node:net';
import type { TestBroker } from '../broker.ts';
import { FRAME, frame } from '../raw-channel.ts';
import { RawClient } from '../raw-client.ts';
import { type LayoutLetter, encodeFields, long, longlong, short } from '../raw-bytes.ts';
import { METHODS } from '../raw-methods.ts';
import { encodeProperties } from '../raw-properties.ts';
import { table } from '../raw-table.ts';

export const BODY_BYTES = 100;
const FRAME_HEAD_BYTES = 7;
const FRAME_END_BYTES = 1;
const METHOD_HEAD_BYTES = 4;
/** Stands where the delay goes. */
const MARKER = 0x5ca1ab1e;

/** Bytes of a publish whose delay, number and due time change. */
export class PublishTemplate {
  readonly #bytes: Buffer;
  readonly #delayAt: number;

  constructor(exchange: string, routingKey: string) {
    const [classId, methodId, layout] = METHODS['basic.publish'];
    const fields = encodeFields<Readonly<Record<string, LayoutLetter>>>(layout, { exchange, routingKey });
    const properties = encodeProperties({ deliveryMode: 2, headers: table({ 'x-delay': ['I', MARKER] }) });
    this.#bytes = Buffer.concat([
      frame(FRAME.method, 1, Buffer.concat([short(classId), short(methodId), fields])),
      frame(FRAME.header, 1, Buffer.concat([short(60), short(0), longlong(BODY_BYTES), properties])),
      frame(FRAME.body, 1, Buffer.alloc(BODY_BYTES)),
    ]);
    this.#delayAt = this.#bytes.indexOf(long(MARKER));
  }

  get bytes(): number {
    return this.#bytes.length;
  }

  /** Answers where the next one goes. */
  write(target: Buffer, at: number, delayMs: number, number: number, dueMs: number): number {
    target.set(this.#bytes, at);
    target.writeInt32BE(delayMs, at + this.#delayAt);
    const end = at + this.#bytes.length;
    const body = end - FRAME_END_BYTES - BODY_BYTES;
    target.writeUInt32BE(number, body);
    target.writeDoubleBE(dueMs, body + 4);
    return end;
  }
}

/** Hears of a message: what it was given when it was published, and whether it was delivered as redelivered. */
export type Arrived = (number: number, dueMs: number, redelivered: boolean) => void;

/** Consumes `queue` with automatic ack. Answers how to end. */
export async function readArrivals(broker: TestBroker, queue: string, arrived: Arrived): Promise<() => void> {
  const socket = connect({ host: broker.host, port: broker.port });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const client = new RawClient(socket);
  await client.authenticate(broker);
  client.connection.send('connection.tune-ok', { channelMax: 10, frameMax: 131_072, heartbeat: 0 });
  await client.connection.call('connection.open', { virtualHost: '/' });
  const channel = await client.openChannel();
  channel.send('basic.consume', { queue, noAck: true });
  // From here on the bytes are read here alone.
  socket.removeAllListeners('data');
  let unread = Buffer.alloc(0);
  let redelivered = false;
  socket.on('data', (chunk: Buffer) => {
    const bytes = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + bytes.readUInt32BE(at + 3) + FRAME_END_BYTES;
      if (end > bytes.length) break;
      const body = at + FRAME_HEAD_BYTES;
      if (bytes[at] === FRAME.method) redelivered = isRedelivered(bytes.subarray(body));
      else if (bytes[at] === FRAME.body) arrived(bytes.readUInt32BE(body), bytes.readDoubleBE(body + 4), redelivered);
      at = end;
    }
    unread = Buffer.from(bytes.subarray(at));
  });
  return () => socket.destroy();
}

/** Of the arguments of basic.deliver: consumer tag, delivery tag, the bit redelivered. */
function isRedelivered(method: Buffer): boolean {
  const tagAt = METHOD_HEAD_BYTES;
  return method[tagAt + 1 + method[tagAt]! + 8] === 1;
}
