import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { TestBroker } from './broker.ts';
import { withinDeadline } from './deadline.ts';
import { Inbox } from './inbox.ts';
import { FRAME, RawChannel, frame } from './raw-channel.ts';
import type { Incoming, Refusal } from './raw-channel.ts';
import { contentful, methodName } from './raw-methods.ts';
import { table } from './raw-table.ts';
import type { RawValue } from './raw-table.ts';

/** Type, channel and size before a frame's payload, one end byte after it. */
const FRAME_OVERHEAD_BYTES = 8;
const PROTOCOL_HEADER = Buffer.from('AMQP\x00\x00\x09\x01', 'latin1');

/** What RabbitMQ's own clients announce. */
const ALL_CAPABILITIES = {
  publisher_confirms: true,
  exchange_exchange_bindings: true,
  'basic.nack': true,
  consumer_cancel_notify: true,
  'connection.blocked': true,
  authentication_failure_close: true,
};

export type ConnectOptions = {
  readonly frameMax?: number;
  readonly heartbeat?: number;
  readonly channelMax?: number;
  readonly virtualHost?: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
};

/**
 * A small AMQP 0-9-1 client over a bare socket that shows every frame and sends whatever it is told to, broken frames
 * included. It answers nothing by itself: no heartbeat, no close-ok.
 */
export class RawClient {
  readonly #socket: Socket;
  readonly #channels = new Map<number, RawChannel>();
  readonly #ended = Promise.withResolvers<void>();
  #unread: Buffer = Buffer.alloc(0);
  #frameMax = 4096;
  /** The largest frame payload plus overhead that came in, bytes. */
  frameSizeSeen = 0;
  readonly heartbeats = new Inbox<number>();
  /** Protocol headers that came in place of frames. */
  readonly protocolHeaders = new Inbox<Buffer>();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end());
    socket.on('end', () => this.#end());
  }

  /** A connected socket, nothing said yet. */
  static async dial(broker: TestBroker): Promise<RawClient> {
    const socket = connect({ host: broker.host, port: broker.port });
    await withinDeadline(
      new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject)),
      'the TCP connection',
    );
    return new RawClient(socket);
  }

  /** An open connection. */
  static async connect(broker: TestBroker, options: ConnectOptions = {}): Promise<RawClient> {
    const client = await RawClient.dial(broker);
    const { frameMax = 131_072, heartbeat = 0, channelMax = 2047, virtualHost = '/' } = options;
    await client.authenticate(broker, options.capabilities);
    client.connection.send('connection.tune-ok', { channelMax, frameMax, heartbeat });
    client.#frameMax = frameMax;
    await client.connection.call('connection.open', { virtualHost });
    return client;
  }

  /** The handshake up to the broker's connection.tune, which is taken. */
  async authenticate(broker: TestBroker, capabilities: Readonly<Record<string, boolean>> = ALL_CAPABILITIES): Promise<void> {
    this.write(PROTOCOL_HEADER);
    await this.connection.expect('connection.start');
    const list = Object.entries(capabilities).map(([name, value]): [string, RawValue] => [name, ['t', value]]);
    this.connection.send('connection.start-ok', {
      clientProperties: table({ product: ['S', 'raw client'], capabilities: ['F', Object.fromEntries(list)] }),
      mechanism: 'PLAIN',
      response: Buffer.from(`\0${broker.user}\0${broker.password}`),
      locale: 'en_US',
    });
    await this.connection.expect('connection.tune');
  }

  /** Channel 0. */
  get connection(): RawChannel {
    return this.channelAt(0);
  }

  /** The channel of this number, without saying anything to the broker. */
  channelAt(number: number): RawChannel {
    let channel = this.#channels.get(number);
    if (channel === undefined) {
      channel = new RawChannel(number, {
        sendFrame: (type, on, payload) => this.sendFrame(type, on, payload),
        bodySizeMax: () => this.#frameMax - FRAME_OVERHEAD_BYTES,
        nameOf: methodName,
      });
      this.#channels.set(number, channel);
    }
    return channel;
  }

  async openChannel(number = 1): Promise<RawChannel> {
    const channel = this.channelAt(number);
    await channel.call('channel.open');
    return channel;
  }

  sendFrame(type: number, channel: number, payload: Buffer, end?: number): void {
    this.write(frame(type, channel, payload, end));
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Resolves when the socket has taken what was written, or is gone. */
  drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return Promise.resolve();
    return Promise.race([new Promise<void>((resolve) => this.#socket.once('drain', resolve)), this.#ended.promise]);
  }

  /** Reads nothing more, as a client that hangs. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** The broker's connection.close, answered. */
  refused(): Promise<Refusal> {
    return this.connection.refused();
  }

  /** Waits until the broker has ended the stream or the connection is gone. */
  ended(timeoutMs?: number): Promise<void> {
    return withinDeadline(this.#ended.promise, 'the end of the connection', timeoutMs);
  }

  /** Ends without a word, as a crashed client does. */
  drop(): void {
    this.#socket.destroy();
  }

  async close(): Promise<void> {
    this.connection.send('connection.close', { replyCode: 200, replyText: 'done' });
    await this.connection.expect('connection.close-ok');
    this.#socket.destroy();
  }

  #end(): void {
    const reason = new Error('the connection ended');
    this.#ended.resolve();
    for (const channel of this.#channels.values()) channel.inbox.end(reason);
    this.heartbeats.end(reason);
    this.protocolHeaders.end(reason);
  }

  #read(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    while (this.#unread.length >= FRAME_OVERHEAD_BYTES) {
      if (this.#unread.subarray(0, 4).toString('latin1') === 'AMQP') {
        this.protocolHeaders.put(this.#cut(8));
        continue;
      }
      const size = this.#unread.readUInt32BE(3) + FRAME_OVERHEAD_BYTES;
      if (this.#unread.length < size) return;
      const bytes = this.#cut(size);
      this.frameSizeSeen = Math.max(this.frameSizeSeen, size);
      if (bytes[size - 1] !== 0xce) throw new Error('a frame without its end byte arrived');
      this.#take(bytes.readUInt8(0), bytes.readUInt16BE(1), bytes.subarray(7, size - 1));
    }
  }

  #cut(length: number): Buffer {
    const bytes = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return bytes;
  }

  /** Content under way, a channel each: what is still missing and the parts so far. */
  readonly #assembling = new Map<number, { incoming: Incoming; missing: number; parts: Buffer[] }>();

  #take(type: number, channel: number, payload: Buffer): void {
    if (type === FRAME.heartbeat) return this.heartbeats.put(performance.now());
    if (type === FRAME.method) {
      const name = methodName(payload.readUInt16BE(0), payload.readUInt16BE(2));
      const incoming: Incoming = { name, arguments: payload.subarray(4) };
      if (!contentful(name as Parameters<typeof contentful>[0])) this.channelAt(channel).inbox.put(incoming);
      else this.#assembling.set(channel, { incoming, missing: 0, parts: [] });
      return;
    }
    const content = this.#assembling.get(channel);
    if (content === undefined) throw new Error(`a frame of type ${type} arrived without a method before it`);
    if (type === FRAME.header) {
      content.incoming.header = payload.subarray(12);
      content.missing = Number(payload.readBigUInt64BE(4));
    } else {
      content.parts.push(payload);
      content.missing -= payload.length;
    }
    if (content.missing > 0) return;
    if (content.missing < 0) throw new Error('a body longer than announced arrived');
    content.incoming.body = Buffer.concat(content.parts);
    this.#assembling.delete(channel);
    this.channelAt(channel).inbox.put(content.incoming);
  }
}
