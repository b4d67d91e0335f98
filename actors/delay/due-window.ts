/** Messages of a timeline that are in memory and not routed yet, in the order of their time: a heap of moments. */
import { type Place, isLater } from '../../src/store/timeline-keys.ts';

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

export class DueWindow {
  #heap: HeldMoment[] = [];
  /** Messages, those taken of the first moment counted until it goes, and bytes of them. */
  messages = 0;
  bytes = 0;

  get first(): HeldMoment | undefined {
    return this.#heap[0];
  }

  add(moment: HeldMoment): void {
    this.messages += moment.addresses.length;
    this.bytes += moment.bytes;
    const heap = this.#heap;
    let at = heap.length;
    for (heap.push(moment); at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isLater(heap[parent]!, moment)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = moment;
  }

  /** The first moment goes. */
  shift(): void {
    const heap = this.#heap;
    const gone = heap[0]!;
    this.messages -= gone.addresses.length;
    this.bytes -= gone.bytes;
    const moved = heap.pop()!;
    const { length } = heap;
    if (length === 0) return;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && isLater(heap[child]!, heap[child + 1]!)) child++;
      if (!isLater(moved, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }

  /** Keeps the earliest moments, as many as have so many messages and bytes, and at least one. Answers those that go, the earliest first. */
  keepFirst(messagesMax: number, bytesMax: number): { readonly last: HeldMoment | undefined; readonly gone: readonly HeldMoment[] } {
    const moments = this.#heap.sort((left, right) => (isLater(left, right) ? 1 : -1));
    let messages = 0;
    let bytes = 0;
    let kept = 0;
    for (; kept < moments.length; kept++) {
      const { addresses, bytes: size } = moments[kept]!;
      if (kept > 0 && (messages + addresses.length > messagesMax || bytes + size > bytesMax)) break;
      messages += addresses.length;
      bytes += size;
    }
    const gone = moments.splice(kept);
    this.messages = messages;
    this.bytes = bytes;
    // What is sorted is a heap.
    this.#heap = moments;
    return { last: moments.at(-1), gone };
  }

  /** Everything goes. */
  clear(): readonly HeldMoment[] {
    const gone = this.#heap;
    this.#heap = [];
    this.messages = 0;
    this.bytes = 0;
    return gone;
  }
}
