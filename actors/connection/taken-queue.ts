/** Leases on message bodies that are sent from where they lie: each ends when the socket has taken its bytes. */
import type { MessageMemory } from '../../src/amqp/stored-message.ts';

type Held = { readonly address: number; readonly untilByte: number };

export class TakenQueue {
  readonly #memory: MessageMemory;
  #held: Held[] = [];
  #takenBytes = 0;

  constructor(memory: MessageMemory) {
    this.#memory = memory;
  }

  /** These are among the `unsentBytes` that the outbound now has. */
  hold(addresses: readonly number[], unsentBytes: number): void {
    if (addresses.length === 0) return;
    const untilByte = this.#takenBytes + unsentBytes;
    for (const address of addresses) this.#held.push({ address, untilByte });
  }

  taken(bytes: number): void {
    this.#takenBytes += bytes;
    let over = 0;
    while (over < this.#held.length && this.#held[over]!.untilByte <= this.#takenBytes) {
      this.#memory.release(this.#held[over++]!.address);
    }
    if (over > 0) this.#held = this.#held.slice(over);
  }

  /** The socket is gone: nothing reads the bodies any more. */
  releaseAll(): void {
    for (const { address } of this.#held) this.#memory.release(address);
    this.#held = [];
  }
}
