import { RingConsumer } from '../../actors/runtime/ring/ring-consumer.ts';
import { HEAD_WORD, RECORD_HEADER_BYTES, TAIL_WORD } from '../../actors/runtime/ring/ring-layout.ts';
import { NO_ROOM, RingProducer } from '../../actors/runtime/ring/ring-producer.ts';

/**
 * The records of the litmus tests. Record `sequence` of a generation has a length, a type and words that follow from both
 * numbers, so the receiver recognises one that is torn, lost, doubled or mixed with another.
 *
 *      0          4            8               length
 *     +----------+------------+------ - - - ---+
 *     | sequence | generation | filler words   |
 *     +----------+------------+------ - - - ---+
 */
export const LOAD_HEADER_BYTES = 8;

/** A well-mixed int32 from two. */
export function mixed(one: number, two: number): number {
  let bits = Math.imul(one ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(two + 0x7f4a7c15, 0xc2b2ae35);
  bits ^= bits >>> 15;
  bits = Math.imul(bits, 0x2c1b3c6d);
  return bits ^ (bits >>> 13);
}

/** Length of a record in bytes: most are small, one in 64 goes up to `lengthMax`. */
export function loadLength(sequence: number, generation: number, lengthMax: number): number {
  const bits = mixed(sequence, generation) >>> 0;
  const bound = (bits & 63) === 0 ? lengthMax : Math.min(lengthMax, 128);
  return LOAD_HEADER_BYTES + (((bits >>> 6) % (bound - LOAD_HEADER_BYTES + 1)) & ~3);
}

export function loadType(sequence: number): number {
  return sequence & 0xffffff;
}

/** Writes a record into claimed room. */
export function fillLoad(words: Int32Array, offset: number, length: number, sequence: number, generation: number): void {
  const at = offset >> 2;
  words[at] = sequence;
  words[at + 1] = generation;
  const seed = mixed(sequence, generation);
  for (let i = 2; i < length >> 2; i += 1) words[at + i] = Math.imul(seed, i);
}

/** Publishes record `sequence`; false when the ring is full. */
export function putLoad(producer: RingProducer, sequence: number, generation: number, lengthMax: number): boolean {
  const length = loadLength(sequence, generation, lengthMax);
  const offset = producer.claim(length);
  if (offset === NO_ROOM) return false;
  fillLoad(producer.words, offset, length, sequence, generation);
  // Both ways of showing a record, mixed; one that is deferred is followed by one that is not, or by `show`.
  if ((sequence & 31) === 0) producer.commit(loadType(sequence));
  else producer.defer(loadType(sequence));
  return true;
}

/** Checks a stream of records: throws at the first that is not the one that must come now. */
export class LoadChecker {
  /** Records that were right. */
  records = 0;
  private generation = 0;
  private sequence = 0;
  private readonly consumer: RingConsumer;
  private readonly lengthMax: number;

  constructor(consumer: RingConsumer, lengthMax: number) {
    this.consumer = consumer;
    this.lengthMax = lengthMax;
  }

  record(type: number, offset: number, length: number): void {
    const words = this.consumer.words;
    const at = offset >> 2;
    const generation = words[at + 1]!;
    if (generation > this.generation) {
      this.generation = generation;
      this.sequence = 0;
    }
    const sequence = this.sequence;
    if (words[at] !== sequence || generation !== this.generation || type !== loadType(sequence)) {
      throw new Error(`torn: expected record ${this.generation}/${sequence}, found ${generation}/${words[at]} of type ${type}`);
    }
    if (length !== loadLength(sequence, generation, this.lengthMax)) throw new Error(`torn: record ${sequence} has ${length} bytes`);
    const seed = mixed(sequence, generation);
    for (let i = 2; i < length >> 2; i += 1) {
      if (words[at + i] !== Math.imul(seed, i)) throw new Error(`torn: word ${i} of record ${generation}/${sequence}`);
    }
    this.sequence += 1;
    this.records += 1;
  }
}

/** A ring that is wrong on purpose: the commit word comes first, the bytes follow. */
export class HastyProducer extends RingProducer {
  override claim(length: number): number {
    const offset = super.claim(length);
    if (offset !== NO_ROOM) Atomics.store(this.words, TAIL_WORD, (this.tail + this.claimedBytes) | 0);
    return offset;
  }
}

/** A ring that is wrong on purpose: the record is given free before it is read. */
export class HastyConsumer extends RingConsumer {
  override read(handler: { record(type: number, offset: number, length: number): void }, budget: number): number {
    const record = (type: number, offset: number, length: number): void => {
      const strideBytes = (length + RECORD_HEADER_BYTES + 7) & ~7;
      Atomics.store(this.words, HEAD_WORD, (this.position + strideBytes) | 0);
      handler.record(type, offset, length);
    };
    return super.read({ record }, budget);
  }
}

/** Bounds the cost of waiting on a machine with fewer free cores than threads. Only for threads without sockets. */
export class Pause {
  private turns = 0;
  private readonly cell = new Int32Array(new SharedArrayBuffer(4));

  /** Spins at first, then gives the core away for a moment. */
  take(): void {
    this.turns += 1;
    if (this.turns > 200) Atomics.wait(this.cell, 0, 0, 0.05);
  }

  reset(): void {
    this.turns = 0;
  }
}
