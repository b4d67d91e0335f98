/**
 * Counts what a broker sends, and looks at nothing else: of a delivery only the frame headers and the last delivery tag of
 * each channel in a chunk are read, and bodies are stepped over, whole or in pieces. Every other method goes to the owner as it is.
 *
 * A frame may be cut anywhere. What must be seen whole (a method; the header of any frame; the first eight bytes of a body when
 * times are wanted) is carried over in a small buffer; the rest of a cut body is only a number of bytes to skip.
 */
import { FRAME_END, FRAME_HEADER_BYTES, FRAME_OVERHEAD_BYTES, FrameType, MethodId } from './wire.ts';

/** A longer method frame is a broken stream: no broker sends one that is larger than the usual frame_max. */
const METHOD_FRAME_LIMIT_BYTES = 131_072;
const CARRY_BYTES = 512;
/** A body begins with its intended time of sending: a double, big-endian. */
export const TIMESTAMP_BYTES = 8;

export type ScannerOwner = {
  /** A method that is not basic.deliver. `payload` begins after class and method and is valid during the call only. */
  readonly method: (channel: number, id: number, payload: Buffer) => void;
  /** The time in the first eight bytes of a body; leave it out where nobody measures latency. */
  readonly sentAt?: (timeNs: number) => void;
};

/** What reads a connection's stream. */
export type Scanner = {
  /** Messages that came. */
  readonly deliveries: number;
  /** The delivery tag of the last of a channel; 0 before the first. */
  lastTagOf(channel: number): number;
  /** Reads the first `end` bytes of `chunk`. Throws for a stream that is not AMQP. */
  push(chunk: Buffer, end: number): void;
};

export class FrameScanner implements Scanner {
  /** basic.deliver methods seen. */
  deliveries = 0;
  /** The delivery tag of the last of them, by channel. */
  readonly #lastTags: number[] = [];

  readonly #owner: ScannerOwner;
  readonly #timed: boolean;
  /** Bytes of the current frame that are still to come and that nobody looks at. */
  #skipBytes = 0;
  #carry: Buffer = Buffer.allocUnsafe(CARRY_BYTES);
  #carriedBytes = 0;
  /** The next body frame is the first of its message. */
  #bodyFresh = false;

  constructor(owner: ScannerOwner) {
    this.#owner = owner;
    this.#timed = owner.sentAt !== undefined;
  }

  /** The delivery tag of the last delivery of a channel; 0 before the first. */
  lastTagOf(channel: number): number {
    return this.#lastTags[channel] ?? 0;
  }

  /** Reads the first `end` bytes of `chunk`. Throws for a stream that is not AMQP. */
  push(chunk: Buffer, end: number): void {
    let pos = 0;
    if (this.#skipBytes > 0) {
      pos = Math.min(this.#skipBytes, end);
      this.#skipBytes -= pos;
    }
    if (this.#carriedBytes > 0) pos = this.#completeCarried(chunk, pos, end);
    let deliverAt = -1;
    let deliverChannel = -1;
    while (end - pos >= FRAME_HEADER_BYTES) {
      const type = chunk[pos] as number;
      const sizeBytes = readU32(chunk, pos + 3);
      const next = pos + FRAME_OVERHEAD_BYTES + sizeBytes;
      if (type === FrameType.method) {
        if (next > end) break;
        if (readU32(chunk, pos + FRAME_HEADER_BYTES) === MethodId.basicDeliver) {
          this.deliveries += 1;
          const channel = ((chunk[pos + 1] as number) << 8) | (chunk[pos + 2] as number);
          if (channel !== deliverChannel) {
            if (deliverAt >= 0) this.#takeTag(chunk, deliverAt);
            deliverChannel = channel;
          }
          deliverAt = pos;
        } else this.#method(chunk, pos, sizeBytes);
      } else if (type === FrameType.header) this.#bodyFresh = true;
      else if (type === FrameType.body) {
        if (this.#timed && this.#bodyFresh) {
          if (end - pos < this.#lookBytes(type, sizeBytes)) break;
          this.#body(chunk, pos, sizeBytes);
        }
      } else if (type !== FrameType.heartbeat) throw new Error(`a frame of type ${type}: the stream is out of step`);
      pos = next;
    }
    if (deliverAt >= 0) this.#takeTag(chunk, deliverAt);
    if (pos > end) this.#skipBytes = pos - end;
    else if (pos < end) this.#carryOver(chunk, pos, end);
  }

  /** How much of a frame must lie in one piece. */
  #lookBytes(type: number, sizeBytes: number): number {
    if (type === FrameType.method) return FRAME_OVERHEAD_BYTES + sizeBytes;
    const timed = this.#timed && this.#bodyFresh && type === FrameType.body;
    return FRAME_HEADER_BYTES + (timed ? Math.min(sizeBytes, TIMESTAMP_BYTES) : 0);
  }

  #carryOver(chunk: Buffer, from: number, to: number): void {
    const wanted = this.#carriedBytes + to - from;
    if (wanted > this.#carry.length) {
      const larger = Buffer.allocUnsafe(Math.max(wanted, 2 * this.#carry.length));
      this.#carry.copy(larger, 0, 0, this.#carriedBytes);
      this.#carry = larger;
    }
    chunk.copy(this.#carry, this.#carriedBytes, from, to);
    this.#carriedBytes = wanted;
  }

  /** Moves bytes behind the carried ones until `wanted` are there or the chunk ends; the new position. */
  #fill(chunk: Buffer, pos: number, end: number, wanted: number): number {
    const to = Math.min(end, pos + Math.max(0, wanted - this.#carriedBytes));
    if (to > pos) this.#carryOver(chunk, pos, to);
    return to;
  }

  #completeCarried(chunk: Buffer, from: number, end: number): number {
    let pos = this.#fill(chunk, from, end, FRAME_HEADER_BYTES);
    if (this.#carriedBytes < FRAME_HEADER_BYTES) return pos;
    const type = this.#carry[0] as number;
    const sizeBytes = readU32(this.#carry, 3);
    if (type === FrameType.method && sizeBytes > METHOD_FRAME_LIMIT_BYTES) throw new Error(`a method of ${sizeBytes} bytes`);
    const lookBytes = this.#lookBytes(type, sizeBytes);
    pos = this.#fill(chunk, pos, end, lookBytes);
    if (this.#carriedBytes < lookBytes) return pos;
    this.#carriedBytes = 0;
    if (type === FrameType.method) {
      if (readU32(this.#carry, FRAME_HEADER_BYTES) === MethodId.basicDeliver) {
        this.deliveries += 1;
        this.#takeTag(this.#carry, 0);
      } else this.#method(this.#carry, 0, sizeBytes);
    } else if (type === FrameType.header) this.#bodyFresh = true;
    else if (type === FrameType.body) this.#body(this.#carry, 0, sizeBytes);
    else if (type !== FrameType.heartbeat) throw new Error(`a frame of type ${type}: the stream is out of step`);
    return pos + FRAME_OVERHEAD_BYTES + sizeBytes - lookBytes;
  }

  #method(bytes: Buffer, pos: number, sizeBytes: number): void {
    const payloadAt = pos + FRAME_HEADER_BYTES;
    if (bytes[payloadAt + sizeBytes] !== FRAME_END) throw new Error('a method without its end octet');
    const payload = bytes.subarray(payloadAt + 4, payloadAt + sizeBytes);
    this.#owner.method(bytes.readUInt16BE(pos + 1), readU32(bytes, payloadAt), payload);
  }

  #body(bytes: Buffer, pos: number, sizeBytes: number): void {
    if (this.#bodyFresh && sizeBytes >= TIMESTAMP_BYTES) this.#owner.sentAt?.(bytes.readDoubleBE(pos + FRAME_HEADER_BYTES));
    this.#bodyFresh = false;
  }

  /** basic.deliver: consumer-tag (short string), delivery-tag (64 bits), ... */
  #takeTag(bytes: Buffer, pos: number): void {
    const consumerTagAt = pos + FRAME_HEADER_BYTES + 4;
    const tagAt = consumerTagAt + 1 + (bytes[consumerTagAt] as number);
    const channel = ((bytes[pos + 1] as number) << 8) | (bytes[pos + 2] as number);
    this.#lastTags[channel] = readU32(bytes, tagAt) * 0x1_0000_0000 + readU32(bytes, tagAt + 4);
  }
}

/** By hand, because it is called three times a message and a checked Buffer method is several times as dear. */
function readU32(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  );
}
