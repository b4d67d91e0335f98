/**
 * Batches of int32 words for hot letters, reused within a thread: the receiver gives back what it has read. Sizes are
 * powers of two; what is larger than the largest class is left to the garbage collector.
 */
const SMALLEST_SHIFT = 5;
const LARGEST_SHIFT = 16;
/** Batches kept for reuse in each class. */
const KEPT_MAX = 32;

export class BatchPool {
  readonly #classes: Int32Array[][] = Array.from({ length: LARGEST_SHIFT - SMALLEST_SHIFT + 1 }, () => []);

  /** A batch of at least `words` words with anything in it. */
  take(words: number): Int32Array {
    const shift = Math.max(SMALLEST_SHIFT, 32 - Math.clz32(words - 1));
    if (shift > LARGEST_SHIFT) return new Int32Array(2 ** shift);
    return this.#classes[shift - SMALLEST_SHIFT]!.pop() ?? new Int32Array(2 ** shift);
  }

  give(batch: Int32Array): void {
    const shift = 31 - Math.clz32(batch.length);
    if (shift < SMALLEST_SHIFT || shift > LARGEST_SHIFT) return;
    const kept = this.#classes[shift - SMALLEST_SHIFT]!;
    if (kept.length < KEPT_MAX) kept.push(batch);
  }

  /** The same words in a batch of twice the size; the old one goes back to the pool. */
  grow(batch: Int32Array): Int32Array {
    const larger = this.take(batch.length * 2);
    larger.set(batch);
    this.give(batch);
    return larger;
  }
}
