import {
  BYTES_CELL,
  HEAD_WORD,
  PADDING,
  PRODUCER_WAITING_WORD,
  RECORD_HEADER_BYTES,
  RECORDS_CELL,
  RING_HEADER_BYTES,
  TAIL_WORD,
  payloadBytesMax,
  ringCapacity,
} from './ring-layout.ts';

/** The answer of `claim` when the ring has no room now. */
export const NO_ROOM = -1;
/** Deferred records are shown together when they have come to this many bytes, headers included. */
export const DEFERRED_BYTES_MAX = 1024;

/**
 * The writing end of a ring. A record is claimed, filled in place and committed; the store of the tail is the last thing
 * that happens to it, so a producer that is ended at any instant (`worker.terminate()`) shows a whole record or none.
 *
 * A new thread takes over by constructing a producer over the same memory, and may do so only after the thread before it
 * has ended (its `exit` event): two producers at once would write over each other.
 */
export class RingProducer {
  /** The memory of the ring; `claim` answers an offset into `bytes`, `offset >> 2` is the index into `words`. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** Longest payload of one record, bytes. */
  readonly payloadBytesMax: number;
  /** Behind the last record that was committed or deferred. */
  protected tail: number;
  protected claimedBytes = 0;
  /** The tail that the consumer sees, and how many records stand between the two. */
  private shownTail: number;
  private deferredRecords = 0;
  private typeWord = 0;
  /** The head when it was last looked at. It may be late, never early: the ring has at least the room that it shows. */
  private knownHead: number;
  private readonly capacity: number;
  private readonly mask: number;
  private readonly cells: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.capacity = ringCapacity(memory);
    this.mask = this.capacity - 1;
    this.payloadBytesMax = payloadBytesMax(this.capacity);
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.cells = new Float64Array(memory, 0, RING_HEADER_BYTES / Float64Array.BYTES_PER_ELEMENT);
    this.tail = Atomics.load(this.words, TAIL_WORD);
    this.shownTail = this.tail;
    this.knownHead = Atomics.load(this.words, HEAD_WORD);
  }

  /**
   * Room for a payload of `length` bytes: its offset in `bytes` (a multiple of 8), or NO_ROOM. Nothing is visible to the
   * consumer before `commit` or `defer`. RangeError when the payload is longer than `payloadBytesMax`.
   */
  claim(length: number): number {
    if (this.claimedBytes !== 0) throw new Error('a claimed record is neither committed nor aborted');
    if (length < 0 || length > this.payloadBytesMax) throw new RangeError(`a record of ${length} bytes does not fit the ring`);
    const tail = this.tail;
    const stride = (length + RECORD_HEADER_BYTES + 7) & ~7;
    const index = tail & this.mask;
    const bytesToEnd = this.capacity - index;
    const paddingBytes = stride <= bytesToEnd ? 0 : bytesToEnd;
    const needed = stride + paddingBytes;
    if (((tail - this.knownHead + needed) | 0) > this.capacity) {
      this.knownHead = Atomics.load(this.words, HEAD_WORD);
      if (((tail - this.knownHead + needed) | 0) > this.capacity) return NO_ROOM;
    }
    let at = RING_HEADER_BYTES + index;
    if (paddingBytes !== 0) {
      this.words[at >> 2] = paddingBytes - RECORD_HEADER_BYTES;
      this.words[(at >> 2) + 1] = PADDING;
      at = RING_HEADER_BYTES;
    }
    this.words[at >> 2] = length;
    this.typeWord = (at >> 2) + 1;
    this.claimedBytes = needed;
    return at + RECORD_HEADER_BYTES;
  }

  /** Shows the claimed record, with its type, to the consumer, and the deferred ones before it. */
  commit(type: number): void {
    this.finish(type);
    this.show();
  }

  /**
   * As `commit`, but the consumer may see the record only after the next `show` or `commit`, or when DEFERRED_BYTES_MAX have
   * come together. Showing each record moves the cache line of the tail to the consumer's core and back: between two cores
   * a record of 64 bytes costs 29 ns that way, and 11.5 when 14 of them are shown at once (medians of 60 runs of 100,000).
   * Records that were not shown are lost with the thread.
   */
  defer(type: number): void {
    this.finish(type);
    if (((this.tail - this.shownTail) | 0) >= DEFERRED_BYTES_MAX) this.show();
  }

  /** Shows all deferred records. */
  show(): void {
    if (this.deferredRecords === 0) return;
    this.cells[RECORDS_CELL]! += this.deferredRecords;
    this.cells[BYTES_CELL]! += (this.tail - this.shownTail) | 0;
    this.deferredRecords = 0;
    this.shownTail = this.tail;
    // Last, and sequentially consistent: everything above is visible to whoever reads this value of the tail.
    Atomics.store(this.words, TAIL_WORD, this.tail);
  }

  /** Gives the claimed record up; the consumer never learns of it. */
  abort(): void {
    if (this.claimedBytes === 0) throw new Error('no record is claimed');
    this.claimedBytes = 0;
  }

  /**
   * Asks the consumer for a bell when half of the ring is free. The caller must look again with `claim` or `roomy` after
   * this and before it waits: the room may have come before the request.
   */
  requestRoom(): void {
    Atomics.store(this.words, PRODUCER_WAITING_WORD, 1);
  }

  /** True when at least half of the ring is free, which is room for any record. */
  get roomy(): boolean {
    this.knownHead = Atomics.load(this.words, HEAD_WORD);
    return ((this.tail - this.knownHead) | 0) <= this.capacity >> 1;
  }

  private finish(type: number): void {
    if (this.claimedBytes === 0) throw new Error('no record is claimed');
    this.words[this.typeWord] = type;
    this.tail = (this.tail + this.claimedBytes) | 0;
    this.claimedBytes = 0;
    this.deferredRecords += 1;
  }
}
