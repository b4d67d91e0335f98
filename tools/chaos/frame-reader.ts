/** Cuts what a broker sends into frames, and puts messages together. Chunks may be cut anywhere. */
import { FRAME_END, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FrameType, MethodId } from '../../bench/client/wire.ts';

export type Delivery = { readonly deliveryTag: number; readonly redelivered: boolean; readonly body: Buffer };

export type FrameOwner = {
  /** Any method but basic.deliver; `fields` begin after class and method. */
  readonly method: (channel: number, id: number, fields: Buffer) => void;
  readonly deliver: (delivery: Delivery) => void;
};

/** A longer frame is a broken stream: the clients agree to 128 KiB at most. */
const FRAME_SIZE_MAX = 131_072;

type Assembly = { readonly deliveryTag: number; readonly redelivered: boolean; sizeBytes: number; receivedBytes: number; parts: Buffer[] };

export class FrameReader {
  readonly #owner: FrameOwner;
  #rest: Buffer = Buffer.alloc(0);
  #assembly: Assembly | undefined;

  constructor(owner: FrameOwner) {
    this.#owner = owner;
  }

  /** Throws for a stream that is not AMQP as a client expects it. */
  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= FRAME_HEADER_BYTES) {
      const sizeBytes = bytes.readUInt32BE(3);
      const end = sizeBytes + FRAME_OVERHEAD_BYTES;
      if (end > FRAME_SIZE_MAX) throw new Error(`a frame of ${end} bytes: the stream is out of step`);
      if (bytes.length < end) break;
      if (bytes[end - 1] !== FRAME_END) throw new Error('a frame without its end octet');
      this.#frame(bytes.readUInt8(0), bytes.readUInt16BE(1), bytes.subarray(FRAME_HEADER_BYTES, end - 1));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
  }

  #frame(type: number, channel: number, payload: Buffer): void {
    if (type === FrameType.heartbeat) return;
    if (type === FrameType.method) return this.#method(channel, payload);
    const assembly = this.#assembly;
    if (assembly === undefined) throw new Error(`a frame of type ${type} without a method before it`);
    if (type === FrameType.header) assembly.sizeBytes = Number(payload.readBigUInt64BE(4));
    else {
      assembly.parts.push(payload);
      assembly.receivedBytes += payload.length;
    }
    if (assembly.receivedBytes < assembly.sizeBytes) return;
    this.#assembly = undefined;
    const { deliveryTag, redelivered, parts } = assembly;
    this.#owner.deliver({ deliveryTag, redelivered, body: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts) });
  }

  #method(channel: number, payload: Buffer): void {
    if (this.#assembly !== undefined) throw new Error('a method inside a message');
    const id = payload.readUInt32BE(0);
    if (id !== MethodId.basicDeliver) return this.#owner.method(channel, id, payload.subarray(4));
    // consumerTag, deliveryTag, redelivered, exchange, routingKey
    const at = 5 + payload.readUInt8(4);
    const deliveryTag = Number(payload.readBigUInt64BE(at));
    this.#assembly = { deliveryTag, redelivered: (payload.readUInt8(at + 8) & 1) === 1, sizeBytes: 0, receivedBytes: 0, parts: [] };
  }
}
