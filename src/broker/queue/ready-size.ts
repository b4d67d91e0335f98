import type { Ledger } from './ledger.ts';
import { READY, READY_MASK } from './ledger-layout.ts';

/**
 * Bytes of the bodies of the messages that are ready, for a queue that limits them. Of a content that is in the store alone the entry
 * remembers the size (`owner`, which a READY message has no other use for), so that the sum is exact whatever is in memory.
 */
export class ReadySize {
  readonly #ledger: Ledger;
  readonly #sizeOf: (address: number) => number;
  bytes = 0;

  /** `sizeOf`: bytes of the body of the message at an address. */
  constructor(ledger: Ledger, sizeOf: (address: number) => number) {
    this.#ledger = ledger;
    this.#sizeOf = sizeOf;
  }

  recover(): void {
    const ledger = this.#ledger;
    this.bytes = 0;
    for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
      if ((ledger.state(position) & READY_MASK) === READY) this.add(position);
    }
  }

  /** The message is ready from now on. */
  add(position: number): void {
    this.bytes += this.of(position);
  }

  /** The message is about to be delivered, or to go. */
  subtract(position: number): void {
    this.bytes -= this.of(position);
  }

  /** Bytes of the body of a READY message. */
  of(position: number): number {
    const address = this.#ledger.address(position);
    return address === 0 ? this.#ledger.owner(position) : this.#sizeOf(address);
  }
}
