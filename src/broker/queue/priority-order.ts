/**
 * x-max-priority (RabbitMQ guide "Classic Queues Support Priorities"): a higher priority first, the oldest of it before others. One above the
 * highest that the queue tells apart counts as that, none as 0. Expiry and length limits look at the head of the whole queue, as
 * RabbitMQ's do: what has expired behind a higher priority stays, and a limit drops the highest priority first.
 *
 * ```
 * levels that have any, a bit each     | 0 0 1 0 ... 0 1 |
 *                                          |           `- level 0:  came back (heap) | never delivered (ring of positions)
 *                                          `------------- level 7:  ...
 * ```
 *
 * The level stands in the state of the entry, so that a crash and a restart know it without the content.
 */
import { READ_AHEAD } from './contents.ts';
import type { DeliveryOrder } from './delivery-order.ts';
import type { Ledger } from './ledger.ts';
import { DELAYED_FLAG, LEVEL_MASK, LEVEL_SHIFT, READY, READY_MASK } from './ledger-layout.ts';
import { PositionHeap } from './position-heap.ts';
import { PositionRing } from './position-ring.ts';

/** What a queue with priorities knows of them. */
export type Priorities = {
  /** The highest one that is told apart, 1 to 255. */
  readonly max: number;
  /** The priority of the message at an address. */
  of(address: number): number;
};

/** The ready messages of one priority. What came back is older than all that was never delivered. */
class Level {
  readonly returned = new PositionHeap();
  readonly fresh = new PositionRing();

  get size(): number {
    return this.returned.size + this.fresh.size;
  }

  /** The first position that is not among the next `window` ones of this level; `none` when there is none. What came back is near. */
  farFrom(window: number, none: number): number {
    const index = Math.max(0, window - this.returned.size);
    return index < this.fresh.size ? this.fresh.at(index) : none;
  }

  /** All that is here was delivered once. */
  age(): void {
    while (this.fresh.size > 0) this.returned.push(this.fresh.pop());
  }

  *positions(): Generator<number, void, undefined> {
    yield* this.returned.values();
    for (let index = 0; index < this.fresh.size; index++) yield this.fresh.at(index);
  }
}

export class PriorityOrder implements DeliveryOrder {
  readonly #ledger: Ledger;
  readonly #priorities: Priorities;
  /** By priority; undefined until one has had a message. */
  readonly #levels: (Level | undefined)[];
  /** Bit n % 32 of word n / 32: level n has messages. */
  readonly #filled: Int32Array;
  /** By level: from this position on messages are far. What farFrom found last. */
  readonly #far: Int32Array;
  size = 0;

  constructor(ledger: Ledger, priorities: Priorities) {
    this.#ledger = ledger;
    this.#priorities = priorities;
    this.#levels = Array.from({ length: priorities.max + 1 }, () => undefined);
    this.#filled = new Int32Array((priorities.max >>> 5) + 1);
    this.#far = new Int32Array(priorities.max + 1);
  }

  /** The highest level that has messages. Only when one has. */
  get #top(): number {
    let word = this.#filled.length - 1;
    while (this.#filled[word] === 0) word--;
    return (word << 5) | (31 - Math.clz32(this.#filled[word]!));
  }

  get next(): number {
    const { returned, fresh } = this.#levels[this.#top]!;
    return returned.size > 0 ? returned.peek() : fresh.peek();
  }

  markOf(address: number): number {
    return Math.min(this.#priorities.of(address), this.#priorities.max) << LEVEL_SHIFT;
  }

  added(position: number): void {
    this.#levelAt(position).fresh.push(position);
  }

  take(): number {
    const top = this.#top;
    const { returned, fresh } = this.#levels[top]!;
    const position = returned.size > 0 ? returned.pop() : fresh.pop();
    if (returned.size + fresh.size === 0) this.#filled[top >>> 5]! &= ~(1 << (top & 31));
    this.size--;
    return position;
  }

  putBack(position: number): void {
    this.#levelAt(position).returned.push(position);
  }

  /** The level of a message that is about to be in it. */
  #levelAt(position: number): Level {
    const number = this.#numberOf(position);
    this.#filled[number >>> 5]! |= 1 << (number & 31);
    this.size++;
    return (this.#levels[number] ??= new Level());
  }

  #numberOf(position: number): number {
    // A level that the queue does not have would be another's fault; it must not hide the message.
    return Math.min((this.#ledger.state(position) & LEVEL_MASK) >>> LEVEL_SHIFT, this.#priorities.max);
  }

  recover(): void {
    const ledger = this.#ledger;
    this.clear();
    for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
      const state = ledger.state(position) & READY_MASK;
      if (state === READY) this.added(position);
      // What waits was delivered, so all before it was: it must not overtake that when it comes back.
      else if (state === (READY | DELAYED_FLAG)) this.#levels[this.#numberOf(position)]?.age();
    }
  }

  clear(): void {
    this.#levels.fill(undefined);
    this.#filled.fill(0);
    this.size = 0;
  }

  /** Anything may have been delivered. */
  get cursor(): number {
    return this.#ledger.tail;
  }

  get comebacks(): Iterable<number> {
    return this.#ahead();
  }

  *#ahead(): Generator<number, void, undefined> {
    let left = READ_AHEAD;
    for (let number = this.#levels.length - 1; number >= 0; number--) {
      for (const position of this.#levels[number]?.positions() ?? []) {
        if (left-- === 0) return;
        yield position;
      }
    }
  }

  farFrom(window: number): number {
    const { tail } = this.#ledger;
    let from = tail;
    let left = window;
    for (let number = this.#levels.length - 1; number >= 0; number--) {
      const level = this.#levels[number];
      this.#far[number] = level?.farFrom(left, tail) ?? tail;
      if (((this.#far[number]! - from) | 0) < 0) from = this.#far[number]!;
      left = Math.max(0, left - (level?.size ?? 0));
    }
    return from;
  }

  isFar(position: number): boolean {
    return ((position - this.#far[this.#numberOf(position)]!) | 0) >= 0;
  }
}
