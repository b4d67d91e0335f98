/** Messages that a group brought for a timeline, in columns: hundreds of thousands come in a second, and none is an object. */
import { moved, rowNumbers, signOf } from './columns.ts';
import type { MomentRows } from './moment-rows.ts';
import type { StoreMemory } from './port.ts';

const FIRST_CAPACITY = 16;
/** Columns that grew larger are not kept for the next group. */
const KEPT_CAPACITY = 16_384;

export class DelayedRows implements MomentRows {
  count = 0;
  /** Of the first row. */
  firstArrival = 0;
  readonly #memory: StoreMemory;
  #dueMs = new Float64Array(FIRST_CAPACITY);
  #addresses = new Int32Array(FIRST_CAPACITY);
  #sizes = new Uint32Array(FIRST_CAPACITY);
  #flags = new Uint8Array(FIRST_CAPACITY);
  #rises = true;

  constructor(memory: StoreMemory) {
    this.#memory = memory;
  }

  add(dueMs: number, address: number, size: number, flags: number): void {
    const at = this.count++;
    if (at === this.#dueMs.length) this.#grow(2 * at);
    if (at > 0 && dueMs < this.#dueMs[at - 1]!) this.#rises = false;
    this.#dueMs[at] = dueMs;
    this.#addresses[at] = address;
    this.#sizes[at] = size;
    this.#flags[at] = flags;
  }

  dueMs(row: number): number {
    return this.#dueMs[row]!;
  }

  arrival(row: number): number {
    return this.firstArrival + row;
  }

  address(row: number): number {
    return this.#addresses[row]!;
  }

  size(row: number): number {
    return this.#sizes[row]!;
  }

  flags(row: number): number {
    return this.#flags[row]!;
  }

  copy(row: number, target: Buffer, at: number): void {
    this.#memory.copy(this.#addresses[row]!, this.#sizes[row]!, target, at);
  }

  /** All rows by time; those of one time as they came. */
  inOrder(): Uint32Array {
    const order = rowNumbers(this.count);
    const dueMs = this.#dueMs;
    // Mostly they come so.
    return this.#rises ? order : order.sort((left, right) => signOf(dueMs[left]! - dueMs[right]!) || left - right);
  }

  clear(): void {
    if (this.#dueMs.length > KEPT_CAPACITY) this.#grow(FIRST_CAPACITY);
    this.count = 0;
    this.#rises = true;
  }

  #grow(capacity: number): void {
    this.#dueMs = moved(this.#dueMs, new Float64Array(capacity));
    this.#addresses = moved(this.#addresses, new Int32Array(capacity));
    this.#sizes = moved(this.#sizes, new Uint32Array(capacity));
    this.#flags = moved(this.#flags, new Uint8Array(capacity));
  }
}
