import type { Segment } from './segment.ts';

/** The list is made anew when more than half of at least so many are gone, or all. */
const COMPACTION_MIN = 8;

/** Segments in the order of their first numbers. Removed ones stay in the list until they are many. */
export class SegmentList {
  #segments: Segment[] = [];
  #removed = 0;
  /** Where the last one was found: the next is mostly there or just behind. */
  #hint = 0;

  get length(): number {
    return this.#segments.length;
  }

  at(index: number): Segment {
    return this.#segments[index]!;
  }

  get last(): Segment | undefined {
    return this.#segments[this.#segments.length - 1];
  }

  push(segment: Segment): void {
    this.#segments.push(segment);
  }

  replaceLast(segment: Segment): void {
    this.#segments[this.#segments.length - 1] = segment;
  }

  /** Takes away what lies from `length` on. */
  truncate(length: number): void {
    this.#segments.length = length;
  }

  /** The last one that begins at `number` or before it; -1 when there is none. */
  find(number: number): number {
    const segments = this.#segments;
    for (let at = this.#hint; at < this.#hint + 2 && at < segments.length; at++) {
      const next = segments[at + 1];
      if (segments[at]!.first <= number && (next === undefined || next.first > number)) return (this.#hint = at);
    }
    let low = 0;
    let high = segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (segments[middle]!.first <= number) low = middle + 1;
      else high = middle;
    }
    this.#hint = Math.max(low - 1, 0);
    return low - 1;
  }

  /** So many more were marked as removed. Indexes are no longer what they were. */
  noteRemoved(count: number): void {
    this.#removed += count;
    const { length } = this.#segments;
    const few = length < COMPACTION_MIN || this.#removed * 2 <= length;
    if (few && this.#removed < length) return;
    this.#segments = this.#segments.filter((segment) => !segment.removed);
    this.#removed = 0;
    this.#hint = 0;
  }
}
