import type { MessageMemory } from './stored-message.ts';

/**
 * Memory that was taken for a copy (copy-writer.ts) and that no queue's batch names yet. It outlives the incarnation that writes the copy:
 * the next one gives back what was not handed over.
 */
export class CopyDraft {
  #address = 0;
  #leases = 0;

  /** As soon as the memory is taken: nothing that may fail comes before. */
  begin(address: number, leases: number): void {
    this.#address = address;
    this.#leases = leases;
  }

  /** One of its leases went with a batch. */
  handOver(): void {
    this.#leases--;
  }

  giveBack(memory: MessageMemory): void {
    for (; this.#leases > 0; this.#leases--) memory.release(this.#address);
  }
}
