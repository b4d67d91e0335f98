import {
  BYTES,
  BYTES_FIRST,
  FIRST_HEADER_BYTES,
  FRAGMENTED_MESSAGE_MAX,
  INTS,
  INTS_FIRST,
  KIND_MASK,
  LAST,
  MIDDLE,
  TYPE_MASK,
} from './message-kind.ts';
import type { RecordHandler, RingConsumer } from './ring-consumer.ts';

/** Takes the messages that other threads sent to this one. Nothing that it is given may be kept after it returns. */
export interface Receiver {
  /** A message of `sendInts`: `count` ints from `offset` of `ints`. */
  receive(from: number, type: number, ints: Int32Array, offset: number, count: number): void;
  /** A message of `sendBytes`. */
  receiveBytes(from: number, type: number, bytes: Uint8Array): void;
}

/** A message of which not all fragments have come. */
type Assembly = { readonly ints: boolean; readonly bytes: Buffer; filled: number };

/**
 * The way from one other thread to this one: the ring, and the message that is being put together from fragments.
 *
 * Fragments are copied out of the ring as they come, so a message whose fragments have come in part is lost with either
 * of the two threads: with the sender's, because the rest never comes (the next message from there drops the part), with
 * the receiver's, because the part was in its memory (the next incarnation drops the rest). `brokenMessages` counts both.
 */
export class Inbound implements RecordHandler {
  readonly from: number;
  readonly consumer: RingConsumer;
  /** Fragmented messages that will never be whole. */
  brokenMessages = 0;
  private receiver: Receiver | undefined;
  private assembly: Assembly | undefined;

  constructor(from: number, consumer: RingConsumer) {
    this.from = from;
    this.consumer = consumer;
  }

  /** Gives at most `budget` records (a fragment is one) to the receiver; answers how many. */
  drain(receiver: Receiver, budget: number): number {
    this.receiver = receiver;
    return this.consumer.read(this, budget);
  }

  record(typeWord: number, offset: number, length: number): void {
    const kind = typeWord & KIND_MASK;
    const type = typeWord & TYPE_MASK;
    const receiver = this.receiver!;
    if (kind === INTS) {
      if (this.assembly !== undefined) this.dropAssembly();
      receiver.receive(this.from, type, this.consumer.words, offset >> 2, length >> 2);
    } else if (kind === BYTES) {
      if (this.assembly !== undefined) this.dropAssembly();
      receiver.receiveBytes(this.from, type, Buffer.from(this.consumer.bytes.buffer, offset, length));
    } else this.fragment(kind, type, offset, length, receiver);
  }

  private fragment(kind: number, type: number, offset: number, length: number, receiver: Receiver): void {
    const { words, bytes } = this.consumer;
    if (kind === INTS_FIRST || kind === BYTES_FIRST) {
      if (this.assembly !== undefined) this.dropAssembly();
      const size = words[offset >> 2]!;
      if (size < 0 || size > FRAGMENTED_MESSAGE_MAX) throw new Error(`thread ${this.from} announced a message of ${size} bytes`);
      this.assembly = { ints: kind === INTS_FIRST, bytes: Buffer.allocUnsafeSlow(size), filled: 0 };
      this.add(this.assembly, bytes.subarray(offset + FIRST_HEADER_BYTES, offset + length));
      return;
    }
    if (kind !== MIDDLE && kind !== LAST) throw new Error(`thread ${this.from} sent a record of unknown kind ${kind >>> 24}`);
    const assembly = this.assembly;
    if (assembly === undefined) {
      if (kind === LAST) this.brokenMessages += 1;
      return;
    }
    this.add(assembly, bytes.subarray(offset, offset + length));
    if (kind === MIDDLE) return;
    this.assembly = undefined;
    if (assembly.filled !== assembly.bytes.length) throw new Error(`thread ${this.from} sent fragments that do not add up`);
    if (!assembly.ints) receiver.receiveBytes(this.from, type, assembly.bytes);
    else receiver.receive(this.from, type, new Int32Array(assembly.bytes.buffer), 0, assembly.filled >> 2);
  }

  private add(assembly: Assembly, part: Uint8Array): void {
    assembly.bytes.set(part, assembly.filled);
    assembly.filled += part.length;
  }

  private dropAssembly(): void {
    this.assembly = undefined;
    this.brokenMessages += 1;
  }
}
