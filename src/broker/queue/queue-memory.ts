/**
 * The port through which a queue reaches shared memory. Addresses are opaque int32 numbers; 0 is nobody's.
 *
 * Hot: the members are plain arrays and leaf functions.
 */
export interface QueueMemory {
  /** The table of slots. */
  readonly slots: Int32Array;
  /** The word view of the memory in which `address` lies. At 0 there is a chunk of zeros, which nobody writes. */
  intsOf(address: number): Int32Array;
  /** Index in that view of the first word at `address`. */
  intOffsetOf(address: number): number;
  /** A chunk of 4,096 words, its address a multiple of 1,024, its contents anything; 0 when memory is exhausted. */
  allocateChunk(): number;
  freeChunk(address: number): void;
  /** The link of a chunk to the next one: one word, whatever it says. */
  nextChunk(address: number): number;
  setNextChunk(address: number, link: number): void;
  /** Ends the queue's lease on a message. */
  release(address: number): void;
}
