import type { DeliveryOrder } from './delivery-order.ts';
import type { Ledger } from './ledger.ts';
import { READY, READY_MASK } from './ledger-layout.ts';
import { PositionHeap } from './position-heap.ts';

/**
 * The oldest first. What was never delivered needs no list: it is what stands between the cursor and TAIL. What came back is before it.
 *
 * ```
 *   HEAD ... delivered once, with holes ... cursor ... ready, without a hole ... TAIL
 *            `-- ready again: #returned
 * ```
 */
export class FifoOrder implements DeliveryOrder {
  readonly #ledger: Ledger;
  readonly #returned = new PositionHeap();
  cursor = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get size(): number {
    return ((this.#ledger.tail - this.cursor) | 0) + this.#returned.size;
  }

  get next(): number {
    return this.#returned.size > 0 ? this.#returned.peek() : this.cursor;
  }

  markOf(): number {
    return 0;
  }

  added(): void {}

  take(): number {
    if (this.#returned.size > 0) return this.#returned.pop();
    const position = this.cursor;
    this.cursor = (position + 1) | 0;
    return position;
  }

  putBack(position: number): void {
    this.#returned.push(position);
  }

  recover(): void {
    const ledger = this.#ledger;
    let cursor = ledger.head;
    for (let position = ledger.head, next = position; position !== ledger.tail; position = next) {
      next = ledger.after(position);
      if ((ledger.state(position) & READY_MASK) !== READY || next !== ((position + 1) | 0)) cursor = next;
    }
    this.cursor = cursor;
    for (let position = ledger.head; position !== cursor; position = ledger.after(position)) {
      if ((ledger.state(position) & READY_MASK) === READY) this.#returned.push(position);
    }
  }

  clear(): void {
    this.#returned.clear();
    this.cursor = this.#ledger.tail;
  }

  get comebacks(): Iterable<number> {
    return this.#returned.values();
  }

  farFrom(window: number): number {
    return (this.cursor + window) | 0;
  }

  isFar(): boolean {
    return true;
  }
}
