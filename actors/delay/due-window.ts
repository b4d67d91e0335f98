/**
 * Messages of a timeline that are in memory and not routed yet, in the order of their time: a heap of moments. Tens of thousands wait for
 * seconds, so they stand in columns: as objects they would outlive the collector's young generation one and all, and double the heap of
 * their thread.
 *
 * ```
 *   heap      | row | row | ...                                    of each moment its first message, the earliest first
 *   columns   address | flag | following row of the moment, or -1      of each message
 *             dueMs | number | bytes | messages                        of a moment, in the row of its first message
 * ```
 */
import { moved } from '../../src/store/columns.ts';
import type { Place } from '../../src/store/timeline-keys.ts';

export type HeldMoment = Place & {
  readonly addresses: readonly number[];
  /** MomentFlag of each. */
  readonly flags: readonly number[];
  readonly bytes: number;
  /** How many of them were routed. */
  taken: number;
  /** How often the next one was begun. */
  tries: number;
  /** Of the moment among those under way; -1: none of them was routed yet. */
  index: number;
};

const FIRST_CAPACITY = 1024;
const NONE = -1;

export class DueWindow {
  /** Messages, those taken of the first moment counted until it goes, and bytes of them. */
  messages = 0;
  bytes = 0;
  #heap = new Int32Array(FIRST_CAPACITY);
  #length = 0;
  /** Rows below it are in use, or among the free ones. */
  #rows = 0;
  /** The free rows, one behind the other in `#following`. */
  #free = NONE;
  #addresses = new Int32Array(FIRST_CAPACITY);
  #flags = new Uint8Array(FIRST_CAPACITY);
  #following = new Int32Array(FIRST_CAPACITY);
  #dueMs = new Float64Array(FIRST_CAPACITY);
  #numbers = new Float64Array(FIRST_CAPACITY);
  #bytes = new Float64Array(FIRST_CAPACITY);
  #messages = new Int32Array(FIRST_CAPACITY);
  /** First and last row of the moment that is being added. */
  #head = NONE;
  #tail = NONE;
  /** The moment that was looked at last, and its row. */
  #first: HeldMoment | undefined = undefined;
  #firstRow = NONE;
  /** Moments that were begun when an earlier one came in between. */
  readonly #opened = new Map<number, HeldMoment>();

  get first(): HeldMoment | undefined {
    if (this.#length === 0) return undefined;
    const row = this.#heap[0]!;
    if (row === this.#firstRow) return this.#first;
    if (this.#first !== undefined && isBegun(this.#first)) this.#opened.set(this.#firstRow, this.#first);
    this.#firstRow = row;
    return (this.#first = this.#opened.get(row) ?? this.#momentOf(row));
  }

  /** A moment comes: `put` for each of its messages, then `end`. */
  begin(): void {
    this.#head = this.#tail = NONE;
  }

  put(address: number, flag: number, bytes: number): void {
    const row = this.#newRow();
    this.#addresses[row] = address;
    this.#flags[row] = flag;
    this.#following[row] = NONE;
    if (this.#head === NONE) {
      this.#head = row;
      this.#messages[row] = this.#bytes[row] = 0;
    } else this.#following[this.#tail] = row;
    this.#tail = row;
    this.#messages[this.#head]!++;
    this.#bytes[this.#head]! += bytes;
  }

  end({ dueMs, number }: Place): void {
    const row = this.#head;
    this.#dueMs[row] = dueMs;
    this.#numbers[row] = number;
    this.messages += this.#messages[row]!;
    this.bytes += this.#bytes[row]!;
    this.#push(row);
  }

  /** One that was let go of comes back. */
  add(moment: HeldMoment): void {
    const { addresses, flags, bytes } = moment;
    this.begin();
    for (const [at, address] of addresses.entries()) this.put(address, flags[at]!, at === 0 ? bytes : 0);
    this.end(moment);
    if (isBegun(moment)) this.#opened.set(this.#head, moment);
  }

  /** The first moment goes. */
  shift(): void {
    const heap = this.#heap;
    this.#forget(heap[0]!);
    const row = heap[--this.#length]!;
    const length = this.#length;
    if (length === 0) return;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && this.#isLater(heap[child]!, heap[child + 1]!)) child++;
      if (!this.#isLater(row, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = row;
  }

  /** Keeps the earliest moments, as many as have so many messages and bytes, and at least one. Answers those that go, the earliest first. */
  keepFirst(messagesMax: number, bytesMax: number): { readonly last: HeldMoment | undefined; readonly gone: readonly HeldMoment[] } {
    // What is sorted is a heap.
    const rows = this.#heap.subarray(0, this.#length).sort((left, right) => (this.#isLater(left, right) ? 1 : -1));
    let messages = 0;
    let bytes = 0;
    let kept = 0;
    for (; kept < rows.length; kept++) {
      const row = rows[kept]!;
      if (kept > 0 && (messages + this.#messages[row]! > messagesMax || bytes + this.#bytes[row]! > bytesMax)) break;
      messages += this.#messages[row]!;
      bytes += this.#bytes[row]!;
    }
    const gone = Array.from(rows.subarray(kept), (row) => this.#take(row));
    this.#length = kept;
    return { last: kept === 0 ? undefined : this.#momentOf(rows[kept - 1]!), gone };
  }

  /** Everything goes. */
  clear(): readonly HeldMoment[] {
    const gone = Array.from(this.#heap.subarray(0, this.#length), (row) => this.#take(row));
    this.#length = 0;
    return gone;
  }

  #momentOf(head: number): HeldMoment {
    const count = this.#messages[head]!;
    const addresses = new Array<number>(count);
    const flags = new Array<number>(count);
    for (let row = head, at = 0; at < count; row = this.#following[row]!, at++) {
      addresses[at] = this.#addresses[row]!;
      flags[at] = this.#flags[row]!;
    }
    return { dueMs: this.#dueMs[head]!, number: this.#numbers[head]!, addresses, flags, bytes: this.#bytes[head]!, taken: 0, tries: 0, index: -1 };
  }

  #take(row: number): HeldMoment {
    const moment = row === this.#firstRow ? this.#first! : (this.#opened.get(row) ?? this.#momentOf(row));
    this.#forget(row);
    return moment;
  }

  #newRow(): number {
    const row = this.#free;
    if (row !== NONE) {
      this.#free = this.#following[row]!;
      return row;
    }
    if (this.#rows === this.#addresses.length) this.#grow(2 * this.#rows);
    return this.#rows++;
  }

  #forget(head: number): void {
    this.messages -= this.#messages[head]!;
    this.bytes -= this.#bytes[head]!;
    if (this.#opened.size > 0) this.#opened.delete(head);
    if (head === this.#firstRow) {
      this.#first = undefined;
      this.#firstRow = NONE;
    }
    let last = head;
    while (this.#following[last] !== NONE) last = this.#following[last]!;
    this.#following[last] = this.#free;
    this.#free = head;
  }

  #push(row: number): void {
    const heap = this.#heap;
    let at = this.#length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isLater(heap[parent]!, row)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = row;
  }

  #isLater(left: number, right: number): boolean {
    const difference = this.#dueMs[left]! - this.#dueMs[right]!;
    return difference !== 0 ? difference > 0 : this.#numbers[left]! > this.#numbers[right]!;
  }

  #grow(capacity: number): void {
    this.#heap = moved(this.#heap, new Int32Array(capacity));
    this.#dueMs = moved(this.#dueMs, new Float64Array(capacity));
    this.#numbers = moved(this.#numbers, new Float64Array(capacity));
    this.#bytes = moved(this.#bytes, new Float64Array(capacity));
    this.#messages = moved(this.#messages, new Int32Array(capacity));
    this.#addresses = moved(this.#addresses, new Int32Array(capacity));
    this.#flags = moved(this.#flags, new Uint8Array(capacity));
    this.#following = moved(this.#following, new Int32Array(capacity));
  }
}

function isBegun({ taken, tries, index }: HeldMoment): boolean {
  return taken > 0 || tries > 0 || index !== -1;
}
