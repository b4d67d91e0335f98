/**
 * Messages on their way out: basic.deliver, basic.get-ok or basic.return, the content header and the body, written straight
 * from shared memory into a connection's outbound block.
 */
import { FRAME_OVERHEAD_SIZE } from './bounds.ts';
import { DELIVERY_COUNT_SIZE_MAX, withDeliveryCount } from './delivery-count-header.ts';
import { FRAME_END, FRAME_HEADER_SIZE, FrameType } from './frame.ts';
import { SHORT_COPY_MAX, copyShort } from './short-copy.ts';
import {
  BODY_SIZE,
  FLAGS,
  HEADER_SIZE,
  KEY_SIZE,
  type MessageMemory,
  RECORD_HEAD_SIZE,
  SPLIT,
  bodyOffset,
  headerFrameOffset,
} from './stored-message.ts';

/** The part of an outbound that a writer needs; see native-free-io/socket. */
export interface OutboundBlock {
  buffer: Buffer;
  view: DataView;
  reserve(sizeBytes: number): number;
  commit(end: number): void;
  /** Sends a slice of shared memory in its place, without a copy. */
  attach(slice: Buffer): void;
  /** Sends what is there, if the socket waits for something to send. */
  sendAhead(): void;
}

/** Copies up to this many bytes beyond a prefix: it is written in steps of eight. */
const STEP = 8;
/** Bodies up to this size are copied when they have to be framed anew; larger ones are sent from where they lie. */
const COPIED_BODY_MAX = 4096;

/**
 * The first bytes of every delivery of one consumer, up to the delivery tag; padded, so that it is copied in whole steps.
 *
 * ```
 * 01 | ch ch | size | 00 3C 00 3C | length, consumer tag
 * ```
 */
export class DeliveryPrefix {
  readonly size: number;
  readonly view: DataView;
  /** Payload bytes of the method frame, without exchange and routing key. */
  readonly payloadSize: number;

  constructor(channel: number, consumerTag: string) {
    const tag = Buffer.from(consumerTag, 'utf8');
    this.size = FRAME_HEADER_SIZE + 4 + 1 + tag.length;
    this.payloadSize = 4 + 1 + tag.length + 8 + 1;
    const bytes = Buffer.alloc(Math.ceil(this.size / STEP) * STEP);
    bytes[0] = FrameType.method;
    bytes.writeUInt16BE(channel, 1);
    bytes.writeUInt32BE((60 << 16) | 60, FRAME_HEADER_SIZE);
    bytes[FRAME_HEADER_SIZE + 4] = tag.length;
    tag.copy(bytes, FRAME_HEADER_SIZE + 5);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}

export class DeliveryWriter {
  readonly #memory: MessageMemory;
  readonly #outbound: OutboundBlock;
  readonly #frameMax: number;

  constructor(memory: MessageMemory, outbound: OutboundBlock, frameMax: number) {
    this.#memory = memory;
    this.#outbound = outbound;
    this.#frameMax = frameMax;
  }

  /**
   * basic.deliver. Answers true when the message's memory is still needed until the socket has taken what was written so
   * far: its body was attached, not copied.
   */
  deliver(channel: number, prefix: DeliveryPrefix, tag: number, redelivered: boolean, address: number): boolean {
    const memory = this.#memory;
    const ints = memory.intsOf(address);
    const record = memory.byteOffsetOf(address);
    const word = record >> 2;
    const keySize = ints[word + KEY_SIZE]!;
    const headerSize = ints[word + HEADER_SIZE]!;
    const bodySize = ints[word + BODY_SIZE]!;
    const wired = (ints[word + FLAGS]! & SPLIT) === 0 && bodySize + FRAME_OVERHEAD_SIZE <= this.#frameMax;

    // Everything from the key on, where it is copied as it stands.
    const contentSize =
      keySize + 1 + headerSize + FRAME_OVERHEAD_SIZE + (wired && bodySize > 0 ? bodySize + FRAME_OVERHEAD_SIZE : 0);
    const outbound = this.#outbound;
    const start = outbound.reserve(prefix.size + 9 + contentSize + STEP);
    const { buffer, view } = outbound;
    const template = prefix.view;
    for (let at = 0; at < prefix.size; at += STEP) {
      view.setBigUint64(start + at, template.getBigUint64(at, true), true);
    }
    view.setUint32(start + 3, prefix.payloadSize + keySize);
    let at = start + prefix.size;
    view.setUint32(at, (tag / 0x1_0000_0000) >>> 0);
    view.setUint32(at + 4, tag >>> 0);
    view.setUint8(at + 8, redelivered ? 1 : 0);
    at += 9;
    const source = record + RECORD_HEAD_SIZE;
    if (contentSize <= SHORT_COPY_MAX) copyShort(memory.viewOf(address), source, view, at, contentSize);
    else memory.bytesOf(address).copy(buffer, at, source, source + contentSize);
    const header = at + keySize + 1;
    view.setUint16(header + 1, channel);
    if (wired) {
      if (bodySize > 0) view.setUint16(header + headerSize + FRAME_OVERHEAD_SIZE + 1, channel);
      outbound.commit(at + contentSize);
      return false;
    }
    outbound.commit(at + contentSize);
    return this.#writeBody(channel, address, record, word);
  }

  /** basic.deliver of a message that came back `count` times to a queue whose consumers are told so: `x-delivery-count`. */
  deliverCounted(channel: number, prefix: DeliveryPrefix, tag: number, address: number, count: number): boolean {
    const memory = this.#memory;
    const record = memory.byteOffsetOf(address);
    // With the octet that ends the frame.
    const keySize = memory.intsOf(address)[(record >> 2) + KEY_SIZE]! + 1;
    const method = Buffer.allocUnsafe(prefix.size + 9 + keySize);
    const { view } = prefix;
    Buffer.from(view.buffer, view.byteOffset, prefix.size).copy(method);
    method.writeUInt32BE(prefix.payloadSize + keySize - 1, 3);
    method.writeBigUInt64BE(BigInt(tag), prefix.size);
    method[prefix.size + 8] = 1;
    const key = record + RECORD_HEAD_SIZE;
    memory.bytesOf(address).copy(method, prefix.size + 9, key, key + keySize);
    return this.content(channel, method, address, count);
  }

  /**
   * A method frame written by `method`, then the content of a message: basic.get-ok, basic.return. With a `count` above 0 its headers say
   * how often it was delivered before, unless the peer takes no frame of that size.
   */
  content(channel: number, method: Buffer, address: number, count = 0): boolean {
    const memory = this.#memory;
    const ints = memory.intsOf(address);
    const record = memory.byteOffsetOf(address);
    const word = record >> 2;
    const bytes = memory.bytesOf(address);
    const headerSize = ints[word + HEADER_SIZE]!;
    const source = record + headerFrameOffset(ints[word + KEY_SIZE]!);
    if (count > 0 && headerSize + DELIVERY_COUNT_SIZE_MAX + FRAME_OVERHEAD_SIZE <= this.#frameMax) {
      const payload = source + FRAME_HEADER_SIZE;
      this.#writeHeader(channel, method, withDeliveryCount(bytes, payload, payload + headerSize, count));
      return this.#writeBody(channel, address, record, word);
    }
    const size = headerSize + FRAME_OVERHEAD_SIZE;
    const start = this.#outbound.reserve(method.length + size);
    const { buffer } = this.#outbound;
    method.copy(buffer, start);
    const header = start + method.length;
    bytes.copy(buffer, header, source, source + size);
    buffer[header + 1] = channel >> 8;
    buffer[header + 2] = channel;
    this.#outbound.commit(header + size);
    return this.#writeBody(channel, address, record, word);
  }

  #writeHeader(channel: number, method: Buffer, payload: Buffer): void {
    const start = this.#outbound.reserve(method.length + payload.length + FRAME_OVERHEAD_SIZE);
    const { buffer, view } = this.#outbound;
    method.copy(buffer, start);
    const header = start + method.length;
    buffer[header] = FrameType.header;
    view.setUint16(header + 1, channel);
    view.setUint32(header + 3, payload.length);
    payload.copy(buffer, header + FRAME_HEADER_SIZE);
    const end = header + FRAME_HEADER_SIZE + payload.length;
    buffer[end] = FRAME_END;
    this.#outbound.commit(end + 1);
  }

  /** The body in frames of its own, as large as the peer takes them. */
  #writeBody(channel: number, address: number, record: number, word: number): boolean {
    const ints = this.#memory.intsOf(address);
    const bodySize = ints[word + BODY_SIZE]!;
    const bytes = this.#memory.bytesOf(address);
    const payloadMax = this.#frameMax - FRAME_OVERHEAD_SIZE;
    let at = record + bodyOffset(ints[word + KEY_SIZE]!, ints[word + HEADER_SIZE]!, ints[word + FLAGS]!);
    const bodyEnd = at + bodySize;
    let attached = false;
    while (at < bodyEnd) {
      const payload = Math.min(payloadMax, bodyEnd - at);
      if (payload <= COPIED_BODY_MAX) {
        const start = this.#startFrame(FRAME_OVERHEAD_SIZE + payload, channel, payload);
        bytes.copy(this.#outbound.buffer, start, at, at + payload);
        this.#outbound.buffer[start + payload] = FRAME_END;
        this.#outbound.commit(start + payload + 1);
      } else {
        attached = true;
        this.#outbound.commit(this.#startFrame(FRAME_HEADER_SIZE, channel, payload));
        this.#outbound.attach(bytes.subarray(at, at + payload));
        const end = this.#outbound.reserve(1);
        this.#outbound.buffer[end] = FRAME_END;
        this.#outbound.commit(end + 1);
      }
      at += payload;
    }
    return attached;
  }

  #startFrame(sizeBytes: number, channel: number, payload: number): number {
    const start = this.#outbound.reserve(sizeBytes);
    const { buffer, view } = this.#outbound;
    buffer[start] = FrameType.body;
    view.setUint16(start + 1, channel);
    view.setUint32(start + 3, payload);
    return start + FRAME_HEADER_SIZE;
  }
}
