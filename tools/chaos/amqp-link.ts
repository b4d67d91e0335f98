/**
 * One connection with one channel to any AMQP 0-9-1 broker: what a publisher and a consumer of the chaos run need, and nothing
 * that mends a loss by itself. When it ends, it says so once, and nothing of it comes after that.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { FrameReader } from './frame-reader.ts';
import type { Delivery } from './frame-reader.ts';
import * as wire from '../../bench/client/wire.ts';
import { CHANNEL, EMPTY_TABLE, ackFrame, publishFrames, requeueFrame } from './message-frames.ts';

const { MethodId } = wire;
const FRAME_SIZE_MAX = 131_072;
/** A broker that answers a call this late has failed. */
const CALL_LIMIT_MS = 20_000;
const DEFAULT_PORT = 5672;

export type LinkEvents = {
  readonly confirm?: (deliveryTag: number, multiple: boolean, confirmed: boolean) => void;
  readonly deliver?: (delivery: Delivery) => void;
  /** Everything of a chunk has been told. */
  readonly scanned?: () => void;
  readonly ended?: (why: string) => void;
};

type Call = { readonly answerId: number; readonly resolve: (fields: Buffer) => void; readonly reject: (error: Error) => void; readonly timer: NodeJS.Timeout };

export class AmqpLink {
  /** Why it ended; undefined while it stands. */
  endedBy: string | undefined = undefined;
  readonly #socket: Socket;
  readonly #events: LinkEvents;
  #call: Call | undefined = undefined;
  #frameSizeMax = FRAME_SIZE_MAX;

  /** Connects, logs in and opens the channel. Rejects with the broker's own words when it refuses. */
  static async open(address: string, events: LinkEvents): Promise<AmqpLink> {
    const url = new URL(address);
    const link = new AmqpLink(url, events);
    try {
      await link.#handshake(url);
    } catch (error) {
      link.drop();
      throw error;
    }
    return link;
  }

  private constructor(url: URL, events: LinkEvents) {
    this.#events = events;
    const reader = new FrameReader({
      method: (channel, id, fields) => this.#method(channel, id, fields),
      deliver: (delivery) => this.#events.deliver?.(delivery),
    });
    const host = url.hostname.replace(/^\[|\]$/g, '');
    this.#socket = connect({ host, port: url.port === '' ? DEFAULT_PORT : Number(url.port), noDelay: true });
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('the broker closed the socket'));
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.endedBy !== undefined) return;
      try {
        reader.push(chunk);
      } catch (error) {
        this.#end(`protocol error: ${error instanceof Error ? error.message : String(error)}`);
      }
      this.#events.scanned?.();
    });
  }

  async #handshake(url: URL): Promise<void> {
    await this.#ask(wire.PROTOCOL_HEADER, MethodId.connectionStart);
    const capabilities = wire.flagTable(['publisher_confirms', 'basic.nack', 'consumer_cancel_notify', 'connection.blocked']);
    const properties = Buffer.concat([wire.shortString('capabilities'), Buffer.from('F'), capabilities]);
    const user = url.username === '' ? 'guest' : decodeURIComponent(url.username);
    const password = url.password === '' ? 'guest' : decodeURIComponent(url.password);
    const login = [wire.u32(properties.length), properties, wire.shortString('PLAIN'), wire.longString(`\0${user}\0${password}`), wire.shortString('en_US')];
    const tune = await this.#ask(wire.methodFrame(0, MethodId.connectionStartOk, ...login), MethodId.connectionTune);
    const offered = tune.readUInt32BE(2);
    this.#frameSizeMax = offered === 0 ? FRAME_SIZE_MAX : Math.min(offered, FRAME_SIZE_MAX);
    // No heartbeats: a broker that is stalled on purpose must not lose its clients for it.
    this.#socket.write(wire.methodFrame(0, MethodId.connectionTuneOk, tune.subarray(0, 2), wire.u32(this.#frameSizeMax), wire.u16(0)));
    const virtualHost = url.pathname.length > 1 ? decodeURIComponent(url.pathname.slice(1)) : '/';
    await this.#ask(wire.methodFrame(0, MethodId.connectionOpen, wire.shortString(virtualHost), wire.shortString(''), wire.u8(0)), MethodId.connectionOpenOk);
    await this.#ask(wire.methodFrame(CHANNEL, MethodId.channelOpen, wire.shortString('')), MethodId.channelOpenOk);
  }

  /** Declares a durable queue and answers how many messages stand ready in it. */
  async declareQueue(queue: string): Promise<number> {
    const frame = wire.methodFrame(CHANNEL, MethodId.queueDeclare, wire.u16(0), wire.shortString(queue), wire.u8(2), EMPTY_TABLE);
    const fields = await this.#ask(frame, MethodId.queueDeclareOk);
    return fields.readUInt32BE(1 + fields.readUInt8(0));
  }

  async deleteQueue(queue: string): Promise<void> {
    await this.#ask(wire.methodFrame(CHANNEL, MethodId.queueDelete, wire.u16(0), wire.shortString(queue), wire.u8(0)), MethodId.queueDeleteOk);
  }

  async selectConfirms(): Promise<void> {
    await this.#ask(wire.methodFrame(CHANNEL, MethodId.confirmSelect, wire.u8(0)), MethodId.confirmSelectOk);
  }

  /** Subscribes with acknowledgements; at most `prefetchCount` deliveries are unsettled. */
  async consume(queue: string, prefetchCount: number): Promise<void> {
    await this.#ask(wire.methodFrame(CHANNEL, MethodId.basicQos, wire.u32(0), wire.u16(prefetchCount), wire.u8(0)), MethodId.basicQosOk);
    const frame = wire.methodFrame(CHANNEL, MethodId.basicConsume, wire.u16(0), wire.shortString(queue), wire.shortString(''), wire.u8(0), EMPTY_TABLE);
    await this.#ask(frame, MethodId.basicConsumeOk);
  }

  publish(queue: string, body: Buffer): void {
    this.#socket.write(publishFrames(queue, body, this.#frameSizeMax));
  }

  ack(deliveryTag: number, multiple: boolean): void {
    this.#socket.write(ackFrame(deliveryTag, multiple));
  }

  requeue(deliveryTag: number): void {
    this.#socket.write(requeueFrame(deliveryTag));
  }

  /** The broker takes less than is written: wait before writing more. */
  get congested(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Closes in order; resolves when it is gone, whatever the broker says. */
  async close(): Promise<void> {
    if (this.endedBy === undefined) {
      const close = wire.methodFrame(0, MethodId.connectionClose, wire.u16(200), wire.shortString('done'), wire.u16(0), wire.u16(0));
      await this.#ask(close, MethodId.connectionCloseOk).catch(() => undefined);
    }
    this.drop();
  }

  /** Ends at once. */
  drop(): void {
    this.#end('dropped by the client');
  }

  #ask(bytes: Buffer, answerId: number): Promise<Buffer> {
    if (this.endedBy !== undefined) return Promise.reject(new Error(this.endedBy));
    if (this.#call !== undefined) return Promise.reject(new Error('a call is under way'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(`no answer within ${CALL_LIMIT_MS / 1000} s`), CALL_LIMIT_MS);
      this.#call = { answerId, resolve, reject, timer };
      this.#socket.write(bytes);
    });
  }

  #method(channel: number, id: number, fields: Buffer): void {
    const call = this.#call;
    if (id === MethodId.basicAck || id === MethodId.basicNack) {
      const flags = fields.readUInt8(8);
      this.#events.confirm?.(Number(fields.readBigUInt64BE(0)), (flags & 1) === 1, id === MethodId.basicAck);
    } else if (id === call?.answerId) {
      this.#call = undefined;
      clearTimeout(call.timer);
      call.resolve(Buffer.from(fields));
    } else if (id === MethodId.connectionClose || (channel !== 0 && id === MethodId.channelClose)) {
      const text = fields.toString('utf8', 3, 3 + fields.readUInt8(2));
      if (id === MethodId.connectionClose) this.#socket.write(wire.methodFrame(0, MethodId.connectionCloseOk));
      this.#end(`the broker closed: ${fields.readUInt16BE(0)} ${text}`, true);
    } else if (id === MethodId.basicCancel) this.#end('the broker cancelled the consumer');
    // connection.blocked and unblocked: the broker stops reading by itself, which is enough to hold a publisher back.
  }

  /** With `answered`, what is written already still leaves: the broker waits for close-ok. */
  #end(why: string, answered = false): void {
    if (this.endedBy !== undefined) return;
    this.endedBy = why;
    if (answered) this.#socket.destroySoon();
    else this.#socket.destroy();
    const call = this.#call;
    this.#call = undefined;
    clearTimeout(call?.timer);
    call?.reject(new Error(why));
    this.#events.ended?.(why);
  }
}
