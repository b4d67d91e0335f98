/**
 * Which messages of a queue have their content in memory. A queue keeps what it delivers soon; the rest may be in the store alone (its
 * entry's address is 0) and is read back ahead of need.
 *
 * ```
 *   HEAD ... cursor ........ +READ_AHEAD ............. +RESIDENT ................. TAIL
 *            | has its content, or | has it, or has not | has it only until it is stored |
 *            | it is asked for     |                    | or memory is short             |
 * ```
 */
import type { DeliveryOrder } from './delivery-order.ts';
import type { Dying } from './dying.ts';
import type { Ledger } from './ledger.ts';
import { DELIVERED, DROPPED, DYING, GONE, KEPT_FLAG, PAGED_FLAG, PAGED_TO, READY, STATE_MASK } from './ledger-layout.ts';

/** Messages ahead of the next one whose contents are read back before they are needed. */
export const READ_AHEAD = 4096;
/** Messages ahead of the next one that stay in memory although the store has them. */
export const RESIDENT = 16_384;
const NOTHING: readonly number[] = [];

/** What is asked of the order of delivery here. */
export type SeenOrder = Pick<DeliveryOrder, 'size' | 'next' | 'cursor' | 'comebacks' | 'farFrom' | 'isFar'>;

export class Contents {
  readonly #ledger: Ledger;
  readonly #order: SeenOrder;
  readonly #dying: Dying | undefined;
  /** Messages whose content is in the store alone. */
  lacking = 0;
  /** Of a queue that limits bytes: bytes of the body at an address. */
  sizeOf: ((address: number) => number) | undefined = undefined;
  /** Never delivered messages before this position have their content. */
  #through = 0;
  /** Until so many have gone those that come before them have it. */
  #soundUntil = 0;
  /** Behind the resident part, contents before this position are out or on their way. */
  #outThrough = 0;
  /** Messages were passed over that only go when memory is short, the first of them here. */
  #passedOver = false;
  #passedFrom = 0;

  /** `dying`: those that are delivered to nobody any more, and wait for their dead letters. */
  constructor(ledger: Ledger, order: SeenOrder, dying?: Dying) {
    this.#ledger = ledger;
    this.#order = order;
    this.#dying = dying;
  }

  recover(): void {
    const ledger = this.#ledger;
    let lacking = 0;
    for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
      if (ledger.address(position) === 0 && (ledger.state(position) & STATE_MASK) !== GONE) lacking++;
    }
    this.lacking = lacking;
    this.#through = this.#outThrough = ledger.head;
    this.#soundUntil = this.#moved;
  }

  /** Addresses of all that is there and has its content, in order. */
  present(): number[] {
    const ledger = this.#ledger;
    const addresses: number[] = [];
    for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
      if ((ledger.state(position) & STATE_MASK) !== GONE && ledger.address(position) !== 0) addresses.push(ledger.address(position));
    }
    return addresses;
  }

  address(position: number): number {
    return this.#ledger.address(position);
  }

  /**
   * Writes the positions of contents that are needed soon into `wanted`, in the order of need, at most `max`. Answers how many.
   */
  wanted(wanted: Int32Array, max: number): number {
    const ledger = this.#ledger;
    let count = 0;
    for (const position of this.#dying?.wanted() ?? NOTHING) {
      wanted[count++] = position;
      if (count === max) return count;
    }
    const order = this.#order;
    if (((this.#moved - this.#soundUntil) | 0) >= 0 || (order.size > 0 && ledger.address(order.next) === 0)) {
      const before = count;
      for (const position of order.comebacks) {
        if (ledger.address(position) !== 0) continue;
        wanted[count++] = position;
        // What was never delivered has not been looked at: nothing new is known of it.
        if (count === max) return count;
      }
      // Half of the way ahead is enough before all of it is looked at again: what comes between comes with its content.
      if (count === before) this.#soundUntil = (this.#moved + READ_AHEAD / 2) | 0;
    }
    let position = order.cursor;
    // Half of the way ahead is enough before more is asked for.
    if (count === 0 && ((this.#through - position) | 0) > READ_AHEAD / 2) return 0;
    const end = ((ledger.tail - position) | 0) < READ_AHEAD ? ledger.tail : (position + READ_AHEAD) | 0;
    let through = end;
    for (; position !== end && count < max; position = (position + 1) | 0) {
      if (ledger.address(position) !== 0) continue;
      if (through === end) through = position;
      wanted[count++] = position;
    }
    this.#through = through;
    return count;
  }

  /** How many have been delivered or dropped. */
  get #moved(): number {
    return (this.#ledger.counter(DELIVERED) + this.#ledger.counter(DROPPED)) | 0;
  }

  /** Whether the message waits here for its content. */
  lacks(position: number): boolean {
    const ledger = this.#ledger;
    if (!ledger.holds(position) || ledger.address(position) !== 0) return false;
    const state = ledger.state(position) & STATE_MASK;
    return state === READY || state === DYING;
  }

  /** The content of a message has come, with a lease. False: it has left the queue meanwhile, and the lease is the caller's. */
  fill(position: number, address: number): boolean {
    const ledger = this.#ledger;
    if (!this.lacks(position)) return false;
    const isDying = (ledger.state(position) & STATE_MASK) === DYING;
    // Nothing is looked at behind this: whoever reads the letter again after a crash would give the lease back that has its place.
    ledger.setAddress(position, address);
    this.lacking--;
    if (isDying) this.#dying?.filled();
    return true;
  }

  /**
   * Lets go of contents that are not needed soon, looking at `budget` messages at most: of those that the store has (`stored`: the
   * position that kept ones are on the device below), and, when memory is `short`, hands the others to `page`, to be let go of when
   * they are stored, as long as the store has `room` for them. Answers whether there may be more to do now.
   */
  pageOut(budget: number, stored: number, short: boolean, page: (position: number, address: number) => void, room: () => boolean): boolean {
    const ledger = this.#ledger;
    const order = this.#order;
    const from = order.farFrom(short ? READ_AHEAD : RESIDENT);
    const pageable = this.#pageableFrom();
    // What was passed over while there was room is looked at again.
    if (short && this.#passedOver && ((this.#outThrough - this.#passedFrom) | 0) > 0) this.#outThrough = this.#passedFrom;
    if (short) this.#passedOver = false;
    let position = ((this.#outThrough - from) | 0) > 0 ? this.#outThrough : from;
    for (; ((ledger.tail - position) | 0) > 0 && budget > 0; position = ledger.after(position), budget--) {
      const state = ledger.state(position);
      const address = ledger.address(position);
      if (address === 0 || (state & STATE_MASK) !== READY) continue;
      if (!order.isFar(position)) {
        if (!short) this.#passOver(position);
      } else if ((state & KEPT_FLAG) === 0) {
        if (!short) this.#passOver(position);
        if (!short || ((position - pageable) | 0) < 0) continue;
        if (!room()) break;
        ledger.setCounter(PAGED_TO, (position + 1) | 0);
        ledger.setState(position, state | KEPT_FLAG | PAGED_FLAG, 0);
        page(position, address);
      } else if ((state & PAGED_FLAG) === 0) {
        if (((stored - position) | 0) <= 0) break;
        this.#letGo(position, address);
      }
    }
    this.#outThrough = position;
    return budget === 0;
  }

  #passOver(position: number): void {
    if (!this.#passedOver) this.#passedFrom = position;
    this.#passedOver = true;
  }

  /**
   * An incarnation that crashed may have paged out what comes later in the queue. What came back with its end stays in memory then: the
   * store would take it for a repetition.
   */
  #pageableFrom(): number {
    const { head, tail } = this.#ledger;
    const pagedTo = this.#ledger.counter(PAGED_TO);
    return ((pagedTo - head) | 0) > 0 && ((tail - pagedTo) | 0) >= 0 ? pagedTo : head;
  }

  /** Paged messages below `through` are stored. `from`: where to begin to look. */
  paged(from: number, through: number): void {
    const ledger = this.#ledger;
    for (let position = ((from - ledger.head) | 0) < 0 ? ledger.head : from; ((through - position) | 0) > 0; position = ledger.after(position)) {
      if (!ledger.holds(position)) continue;
      const state = ledger.state(position);
      const address = ledger.address(position);
      if ((state & (STATE_MASK | PAGED_FLAG)) === (READY | PAGED_FLAG) && address !== 0) {
        this.#letGo(position, address);
        // Its turn may have come near meanwhile: then it has to be asked for again.
        if (((this.#through - position) | 0) > 0) this.#through = position;
        this.#soundUntil = this.#moved;
      }
    }
  }

  #letGo(position: number, address: number): void {
    // First: an entry without content must never be without its size.
    if (this.sizeOf !== undefined) this.#ledger.noteSize(position, this.sizeOf(address));
    this.#ledger.letGo(position, address);
    this.lacking++;
  }
}
