/**
 * Messages of a timeline that are in memory and not routed yet, in the order of their time: a heap of moments. Tens of thousands wait for
 * seconds, so they stand in columns: as objects they would outlive the collector's young generation one and all, and double the heap of
 * their thread.
 *
 * ```
 *   heap      | slot | slot | ...                              the earliest first
 *   columns   dueMs | number | bytes | messages | address | flag     by slot; of a moment with more than one message the last two
 *                                                                    stand in `#several`
 *   #opened   slot -> HeldMoment                               those that were the first, or are
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

type Several = Pick<HeldMoment, 'addresses' | 'flags'>;

const FIRST_CAPACITY = 1024;

export class DueWindow {
  /** Messages, those taken of the first moment counted until it goes, and bytes of them. */
  messages = 0;
  bytes = 0;
  #heap = new Int32Array(FIRST_CAPACITY);
  #length = 0;
  /** Slots below it are in use, or in `#free`. */
  #slots = 0;
  readonly #free: number[] = [];
  #dueMs = new Float64Array(FIRST_CAPACITY);
  #numbers = new Float64Array(FIRST_CAPACITY);
  #bytes = new Float64Array(FIRST_CAPACITY);
  #messages = new Int32Array(FIRST_CAPACITY);
  #addresses = new Int32Array(FIRST_CAPACITY);
  #flags = new Uint8Array(FIRST_CAPACITY);
  readonly #several = new Map<number, Several>();
  /** What was begun of a moment is remembered when an earlier one comes in between. */
  readonly #opened = new Map<number, HeldMoment>();

  get first(): HeldMoment | undefined {
    return this.#length === 0 ? undefined : this.#open(this.#heap[0]!);
  }

  /** A moment of one message of which nothing was begun. */
  addOne({ dueMs, number }: Place, address: number, flag: number, bytes: number): void {
    const slot = this.#newSlot(dueMs, number, bytes, 1);
    this.#addresses[slot] = address;
    this.#flags[slot] = flag;
    this.#push(slot);
  }

  add(moment: HeldMoment): void {
    const { dueMs, number, addresses, flags, bytes, taken, tries, index } = moment;
    if (addresses.length === 1 && taken === 0 && tries === 0 && index === -1) return this.addOne(moment, addresses[0]!, flags[0]!, bytes);
    const slot = this.#newSlot(dueMs, number, bytes, addresses.length);
    this.#several.set(slot, { addresses, flags });
    if (taken > 0 || tries > 0 || index !== -1) this.#opened.set(slot, moment);
    this.#push(slot);
  }

  /** The first moment goes. */
  shift(): void {
    const heap = this.#heap;
    this.#forget(heap[0]!);
    const slot = heap[--this.#length]!;
    const length = this.#length;
    if (length === 0) return;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && this.#isLater(heap[child]!, heap[child + 1]!)) child++;
      if (!this.#isLater(slot, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = slot;
  }

  /** Keeps the earliest moments, as many as have so many messages and bytes, and at least one. Answers those that go, the earliest first. */
  keepFirst(messagesMax: number, bytesMax: number): { readonly last: HeldMoment | undefined; readonly gone: readonly HeldMoment[] } {
    // What is sorted is a heap.
    const slots = this.#heap.subarray(0, this.#length).sort((left, right) => (this.#isLater(left, right) ? 1 : -1));
    let messages = 0;
    let bytes = 0;
    let kept = 0;
    for (; kept < slots.length; kept++) {
      const slot = slots[kept]!;
      if (kept > 0 && (messages + this.#messages[slot]! > messagesMax || bytes + this.#bytes[slot]! > bytesMax)) break;
      messages += this.#messages[slot]!;
      bytes += this.#bytes[slot]!;
    }
    const gone = Array.from(slots.subarray(kept), (slot) => this.#take(slot));
    this.#length = kept;
    return { last: kept === 0 ? undefined : this.#open(slots[kept - 1]!), gone };
  }

  /** Everything goes. */
  clear(): readonly HeldMoment[] {
    const gone = Array.from(this.#heap.subarray(0, this.#length), (slot) => this.#take(slot));
    this.#length = 0;
    return gone;
  }

  #open(slot: number): HeldMoment {
    let moment = this.#opened.get(slot);
    if (moment === undefined) this.#opened.set(slot, (moment = this.#momentOf(slot)));
    return moment;
  }

  #momentOf(slot: number): HeldMoment {
    const { addresses, flags } = this.#several.get(slot) ?? { addresses: [this.#addresses[slot]!], flags: [this.#flags[slot]!] };
    return { dueMs: this.#dueMs[slot]!, number: this.#numbers[slot]!, addresses, flags, bytes: this.#bytes[slot]!, taken: 0, tries: 0, index: -1 };
  }

  #take(slot: number): HeldMoment {
    const moment = this.#opened.get(slot) ?? this.#momentOf(slot);
    this.#forget(slot);
    return moment;
  }

  #newSlot(dueMs: number, number: number, bytes: number, messages: number): number {
    const slot = this.#free.pop() ?? this.#slots++;
    if (slot === this.#dueMs.length) this.#grow(2 * slot);
    this.#dueMs[slot] = dueMs;
    this.#numbers[slot] = number;
    this.#bytes[slot] = bytes;
    this.#messages[slot] = messages;
    this.messages += messages;
    this.bytes += bytes;
    return slot;
  }

  #forget(slot: number): void {
    this.messages -= this.#messages[slot]!;
    this.bytes -= this.#bytes[slot]!;
    this.#several.delete(slot);
    this.#opened.delete(slot);
    this.#free.push(slot);
  }

  #push(slot: number): void {
    const heap = this.#heap;
    let at = this.#length++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isLater(heap[parent]!, slot)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = slot;
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
  }
}
