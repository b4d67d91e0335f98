import {
  BYTES,
  BYTES_FIRST,
  FIRST_HEADER_BYTES,
  FRAGMENTED_MESSAGE_MAX,
  INTS,
  INTS_FIRST,
  LAST,
  MIDDLE,
  TYPE_MASK,
} from './message-kind.ts';
import { Outbox } from './outbox.ts';
import { NO_ROOM, type RingProducer } from './ring-producer.ts';

/**
 * Up to this many ints a loop is faster than `set` with a view made for it: 15 ns against 41 for 16 ints, 100 against 125 for
 * 128, 205 against 212 for 256, 444 against 423 for 512.
 */
const LOOP_INTS_MAX = 256;

/**
 * The way from this thread to one other: the ring, and the outbox behind it. Once a record waits in the outbox, everything
 * sent later waits behind it, so the order of sending is the order of arrival.
 */
export class Outbound {
  /** True when something was sent since the last `show`. */
  private unshown = false;
  private readonly producer: RingProducer;
  private readonly outbox: Outbox;

  constructor(producer: RingProducer) {
    this.producer = producer;
    this.outbox = new Outbox(producer.payloadBytesMax);
  }

  /** Bytes that wait in the outbox. */
  get waitingBytes(): number {
    return this.outbox.sizeBytes;
  }

  sendInts(type: number, ints: Int32Array, count: number): void {
    assertType(type);
    const length = count << 2;
    const producer = this.producer;
    if (this.outbox.sizeBytes === 0 && length <= producer.payloadBytesMax) {
      const offset = producer.claim(length);
      if (offset !== NO_ROOM) {
        const words = producer.words;
        const at = offset >> 2;
        if (count <= LOOP_INTS_MAX) for (let i = 0; i < count; i += 1) words[at + i] = ints[i]!;
        else words.set(count === ints.length ? ints : ints.subarray(0, count), at);
        producer.defer(INTS | type);
        this.unshown = true;
        return;
      }
    }
    this.sendLate(INTS, INTS_FIRST, type, new Uint8Array(ints.buffer, ints.byteOffset, length));
  }

  sendBytes(type: number, bytes: Uint8Array): void {
    assertType(type);
    const producer = this.producer;
    if (this.outbox.sizeBytes === 0 && bytes.length <= producer.payloadBytesMax) {
      const offset = producer.claim(bytes.length);
      if (offset !== NO_ROOM) {
        producer.bytes.set(bytes, offset);
        producer.defer(BYTES | type);
        this.unshown = true;
        return;
      }
    }
    this.sendLate(BYTES, BYTES_FIRST, type, bytes);
  }

  /** Shows the receiver all that is in the ring; true when that is something new, of which it must be told. */
  show(): boolean {
    if (!this.unshown) return false;
    this.unshown = false;
    this.producer.show();
    return true;
  }

  /** Moves waiting records into the ring, as many as fit. */
  advance(): void {
    const { outbox, producer } = this;
    while (outbox.sizeBytes > 0) {
      const payload = outbox.payload;
      const offset = producer.claim(payload.length);
      if (offset === NO_ROOM) return;
      producer.bytes.set(payload, offset);
      producer.defer(outbox.type);
      outbox.remove();
      this.unshown = true;
    }
  }

  /**
   * Asks for a bell when room comes, if records wait. False when there is room already: the bell may never come, and the
   * thread must not sleep. The order of the two steps is what makes the bell certain.
   */
  awaitRoom(): boolean {
    if (this.outbox.sizeBytes === 0) return true;
    this.producer.requestRoom();
    return !this.producer.roomy;
  }

  /** The uncommon ways: the ring is full, records wait already, or the message is longer than a record. */
  private sendLate(whole: number, first: number, type: number, bytes: Uint8Array): void {
    const longest = this.producer.payloadBytesMax;
    if (bytes.length <= longest) {
      this.outbox.append(whole | type, bytes.length).set(bytes);
      return;
    }
    if (bytes.length > FRAGMENTED_MESSAGE_MAX) throw new RangeError(`a message of ${bytes.length} bytes is over the bound`);
    let sent = longest - FIRST_HEADER_BYTES;
    const payload = this.outbox.append(first | type, longest);
    payload.fill(0, 0, FIRST_HEADER_BYTES);
    new DataView(payload.buffer, payload.byteOffset).setInt32(0, bytes.length, true);
    payload.set(bytes.subarray(0, sent), FIRST_HEADER_BYTES);
    for (; bytes.length - sent > longest; sent += longest) {
      this.outbox.append(MIDDLE | type, longest).set(bytes.subarray(sent, sent + longest));
    }
    this.outbox.append(LAST | type, bytes.length - sent).set(bytes.subarray(sent));
    this.advance();
  }
}

function assertType(type: number): void {
  if ((type & TYPE_MASK) !== type) throw new RangeError(`the record type ${type} is not of 24 bits`);
}
