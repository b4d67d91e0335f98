/** A client of the simulated node: AMQP in bytes over a fake connection. What it says and when is the business of its role. */
import { encodeHeaderFrame } from '../../../src/amqp/basic-properties.ts';
import { contentBodySize } from '../../../src/amqp/content-header.ts';
import { FRAME_END, FRAME_HEADER_SIZE, FrameType, writeFrameHeader } from '../../../src/amqp/frame.ts';
import { isAmqpError } from '../../../src/amqp/amqp-error.ts';
import { decodeMethod, encodeMethodFrame } from '../../../src/amqp/method-codec.ts';
import type { Method } from '../../../src/amqp/method-table.ts';
import { PROTOCOL_HEADER } from '../../../src/amqp/protocol-header.ts';
import type { FakeTransport } from '../fake-transport.ts';
import { PASSWORD, USER, VHOST } from './sim-node.ts';

/** Frames that clients send and take, bytes: small ones, so that bodies come in several, and such as a large body fits into. */
export const FRAME_SIZES = [4096, 65_536] as const;

/** Who speaks through a client. */
export interface Role {
  readonly name: string;
  /** The connection is open. */
  opened(): void;
  received(channel: number, method: Method, body: Buffer | undefined): void;
  /** The connection is no more; `expected` when this side ended it. */
  closed(expected: boolean): void;
  /** Does one thing of its own accord. Answers whether there was something to do. */
  act(): boolean;
  /** What it waits for; undefined when nothing. */
  readonly waiting: string | undefined;
}

/** How a message is published. */
export type PublishTraits = { readonly exchange: string; readonly persistent: boolean; readonly priority: number; readonly delayMs?: number };

const TRANSIENT: PublishTraits = { exchange: '', persistent: false, priority: 0 };

type Content = { readonly method: Method; left: number; readonly parts: Buffer[] };

export class SimClient {
  role: Role | undefined = undefined;
  state: 'handshake' | 'open' | 'closing' | 'closed' = 'handshake';
  /** Why the broker closed the connection, when it did. */
  refusal: string | undefined = undefined;
  readonly #transport: FakeTransport;
  readonly #frameMax: number;
  readonly #trace: (text: string) => void;
  #unread: Buffer = Buffer.alloc(0);
  readonly #contents = new Map<number, Content>();

  constructor(transport: FakeTransport, frameMax: number, trace: (text: string) => void) {
    this.#transport = transport;
    this.#frameMax = frameMax;
    this.#trace = trace;
    transport.start({
      onBytes: (buffer, length) => this.#read(buffer.subarray(0, length)),
      onTaken: () => undefined,
      onUncongested: () => undefined,
      onClosed: () => this.#closed(),
    });
    this.write(Buffer.from(PROTOCOL_HEADER));
  }

  // ---- out

  write(bytes: Buffer): void {
    const { outbound } = this.#transport;
    if (this.state === 'closed') return;
    for (let at = 0; at < bytes.length; at += 8192) {
      const part = bytes.subarray(at, at + 8192);
      const offset = outbound.reserve(part.length);
      part.copy(outbound.buffer, offset);
      outbound.commit(offset + part.length);
    }
    outbound.flush();
  }

  send(channel: number, method: Method): void {
    this.#trace(`${this.role?.name} says ${channel} ${text(method)}`);
    this.write(encodeMethodFrame(channel, method));
  }

  publish(channel: number, routingKey: string, body: Buffer, traits: PublishTraits = TRANSIENT): void {
    const kind = `${traits.exchange}${traits.persistent ? ' persistent' : ''}`;
    this.#trace(`${this.role?.name} publishes ${channel} ${kind} ${routingKey} ${body.subarray(0, 12).toString('hex')} of ${body.length} bytes`);
    this.write(publishFrames(channel, routingKey, body, this.#frameMax, traits));
  }

  /** Ends in the middle of a publish: the first `part` of its bytes, then the end of the stream. */
  breakWithin(channel: number, routingKey: string, body: Buffer, part: number): void {
    const frames = publishFrames(channel, routingKey, body, this.#frameMax, TRANSIENT);
    this.write(frames.subarray(0, Math.floor(frames.length * part)));
    this.state = 'closing';
    this.#trace(`${this.role?.name} breaks off`);
    this.#transport.closeAfterFlush();
  }

  close(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.send(0, { name: 'connection.close', replyCode: 200, replyText: 'done', classId: 0, methodId: 0 });
  }

  /** The connection breaks, without a word. */
  reset(): void {
    if (this.state === 'closed') return;
    this.state = 'closing';
    this.#trace(`${this.role?.name} resets`);
    this.#transport.reset();
  }

  // ---- in

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    while (this.#unread.length >= FRAME_HEADER_SIZE) {
      const size = this.#unread.readUInt32BE(3);
      const end = FRAME_HEADER_SIZE + size;
      if (this.#unread.length <= end) return;
      if (this.#unread[end] !== FRAME_END) throw new Error(`${this.role?.name} got a frame without its end`);
      const frame = this.#unread.subarray(0, end);
      this.#unread = this.#unread.subarray(end + 1);
      this.#frame(frame[0]!, frame.readUInt16BE(1), frame);
      if (this.state === 'closed') return;
    }
  }

  #frame(type: number, channel: number, frame: Buffer): void {
    if (type === FrameType.method) {
      const method = decodeMethod(frame, FRAME_HEADER_SIZE, frame.length);
      if (isAmqpError(method)) throw new Error(`${this.role?.name} cannot read what the broker sent: ${method.text}`);
      if (this.#contents.has(channel)) throw new Error(`${this.role?.name} got ${method.name} within a message`);
      if (method.name === 'basic.deliver' || method.name === 'basic.get-ok' || method.name === 'basic.return') {
        this.#contents.set(channel, { method, left: -1, parts: [] });
      } else this.#method(channel, method);
      return;
    }
    if (type === FrameType.heartbeat) return;
    const content = this.#contents.get(channel);
    if (content === undefined) throw new Error(`${this.role?.name} got a frame of type ${type} without a method`);
    if (type === FrameType.header) content.left = contentBodySize(frame, FRAME_HEADER_SIZE);
    else {
      content.left -= frame.length - FRAME_HEADER_SIZE;
      content.parts.push(Buffer.from(frame.subarray(FRAME_HEADER_SIZE)));
    }
    if (content.left > 0) return;
    if (content.left < 0) throw new Error(`${this.role?.name} got a longer body than announced`);
    this.#contents.delete(channel);
    const body = Buffer.concat(content.parts);
    this.#trace(`${this.role?.name} gets ${channel} ${text(content.method)} ${body.subarray(0, 12).toString('hex')}`);
    this.role?.received(channel, content.method, body);
  }

  #method(channel: number, method: Method): void {
    this.#trace(`${this.role?.name} gets ${channel} ${text(method)}`);
    switch (method.name) {
      case 'connection.start':
        this.send(0, {
          name: 'connection.start-ok',
          clientProperties: new Map(),
          mechanism: 'PLAIN',
          response: Buffer.from(`\0${USER}\0${PASSWORD}`),
          locale: 'en_US',
        });
        return;
      case 'connection.tune':
        this.send(0, { name: 'connection.tune-ok', channelMax: 16, frameMax: this.#frameMax, heartbeat: 0 });
        this.send(0, { name: 'connection.open', virtualHost: VHOST });
        return;
      case 'connection.open-ok':
        this.state = 'open';
        this.role?.opened();
        return;
      case 'connection.close':
        this.refusal = `${method.replyCode} ${method.replyText}`;
        this.send(0, { name: 'connection.close-ok' });
        this.#transport.closeAfterFlush();
        return;
      case 'connection.close-ok':
        this.#transport.closeAfterFlush();
        return;
      default:
        this.role?.received(channel, method, undefined);
    }
  }

  #closed(): void {
    const expected = this.state === 'closing';
    this.state = 'closed';
    this.#trace(`${this.role?.name} is cut off`);
    this.role?.closed(expected);
  }
}

function publishFrames(channel: number, routingKey: string, body: Buffer, frameMax: number, traits: PublishTraits): Buffer {
  const partMax = frameMax - FRAME_HEADER_SIZE - 1;
  const { exchange, persistent, priority, delayMs } = traits;
  const headers = delayMs === undefined ? undefined : new Map([['x-delay', { type: 'I' as const, value: delayMs }]]);
  const properties = { ...(persistent && { deliveryMode: 2 }), ...(priority > 0 && { priority }), ...(headers && { headers }) };
  const parts = [
    encodeMethodFrame(channel, { name: 'basic.publish', exchange, routingKey, mandatory: false, immediate: false }),
    encodeHeaderFrame(channel, body.length, properties),
  ];
  for (let at = 0; at < body.length; at += partMax) {
    const part = body.subarray(at, at + partMax);
    const frame = Buffer.alloc(FRAME_HEADER_SIZE + part.length + 1, FRAME_END);
    writeFrameHeader(frame, 0, FrameType.body, channel, part.length);
    part.copy(frame, FRAME_HEADER_SIZE);
    parts.push(frame);
  }
  return Buffer.concat(parts);
}

function text(method: Method): string {
  const { name, ...fields } = method;
  return `${name} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value))}`;
}
