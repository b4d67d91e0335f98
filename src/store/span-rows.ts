/** Messages of spans that were read, in columns: thousands are refined at once, and none is an object. */
import { moved, rowNumbers, signOf } from './columns.ts';
import type { MomentRows } from './moment-rows.ts';
import type { FoundInSpan } from './span-record.ts';

const FIRST_CAPACITY = 1024;

/** Of a row, beside those of MomentFlag: the message did not outlive its process. */
const LOST = 0x100;

export class SpanRows implements MomentRows {
  count = 0;
  /** Rows of messages that did not outlive their process. */
  lost = 0;
  readonly #values: Buffer[] = [];
  #dueMs = new Float64Array(FIRST_CAPACITY);
  #arrivals = new Float64Array(FIRST_CAPACITY);
  /** Of its span among `#values`, and where its record stands there. */
  #spans = new Uint32Array(FIRST_CAPACITY);
  #offsets = new Uint32Array(FIRST_CAPACITY);
  #sizes = new Uint32Array(FIRST_CAPACITY);
  #flags = new Uint16Array(FIRST_CAPACITY);

  /** Takes what is found in the span `value`, which is kept, but for what has gone on. The how many-th that was it is what `spanOf` answers. */
  reading(value: Buffer, isMoved: (dueMs: number, arrival: number) => boolean): FoundInSpan {
    const span = this.#values.push(value) - 1;
    return (dueMs, arrival, flags, at, size, isLost) => {
      if (isMoved(dueMs, arrival)) return;
      const row = this.count++;
      if (isLost) this.lost++;
      if (row === this.#sizes.length) this.#grow(2 * row);
      this.#dueMs[row] = dueMs;
      this.#arrivals[row] = arrival;
      this.#spans[row] = span;
      this.#offsets[row] = at;
      this.#sizes[row] = size;
      this.#flags[row] = isLost ? flags | LOST : flags;
    };
  }

  dueMs(row: number): number {
    return this.#dueMs[row]!;
  }

  arrival(row: number): number {
    return this.#arrivals[row]!;
  }

  size(row: number): number {
    return this.#sizes[row]!;
  }

  flags(row: number): number {
    return this.#flags[row]! & 0xff;
  }

  isLost(row: number): boolean {
    return (this.#flags[row]! & LOST) !== 0;
  }

  spanOf(row: number): number {
    return this.#spans[row]!;
  }

  copy(row: number, target: Buffer, at: number): void {
    const from = this.#offsets[row]!;
    this.#values[this.#spans[row]!]!.copy(target, at, from, from + this.#sizes[row]!);
  }

  /** All rows by time, those of one millisecond by arrival. */
  inOrder(): Uint32Array {
    const order = rowNumbers(this.count);
    const dueMs = this.#dueMs;
    const arrivals = this.#arrivals;
    return order.sort((left, right) => signOf(dueMs[left]! - dueMs[right]!) || signOf(arrivals[left]! - arrivals[right]!));
  }

  #grow(capacity: number): void {
    this.#dueMs = moved(this.#dueMs, new Float64Array(capacity));
    this.#arrivals = moved(this.#arrivals, new Float64Array(capacity));
    this.#spans = moved(this.#spans, new Uint32Array(capacity));
    this.#offsets = moved(this.#offsets, new Uint32Array(capacity));
    this.#sizes = moved(this.#sizes, new Uint32Array(capacity));
    this.#flags = moved(this.#flags, new Uint16Array(capacity));
  }
}
