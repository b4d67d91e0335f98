/** Messages as the store sees them: records of bytes in shared memory (layout: src/amqp/stored-message.ts). */
import { PLACE, SIZE } from '../amqp/stored-message.ts';
import type { StoreMemory } from '../store/port.ts';
import type { ThreadMemory } from './shared-memory.ts';

export class MessageRecords implements StoreMemory {
  readonly #memory: ThreadMemory;

  constructor(memory: ThreadMemory) {
    this.#memory = memory;
  }

  recordOf(address: number): Buffer {
    const memory = this.#memory;
    const size = memory.intsOf(address)[memory.intOffsetOf(address) + SIZE]!;
    const from = memory.byteOffsetOf(address);
    return memory.bytesOf(address).subarray(from, from + size);
  }

  sizeOf(address: number): number {
    return this.#memory.intsOf(address)[this.#memory.intOffsetOf(address) + SIZE]!;
  }

  copy(address: number, size: number, target: Buffer, at: number): void {
    const from = this.#memory.byteOffsetOf(address);
    this.#memory.bytesOf(address).copy(target, at, from, from + size);
  }

  release(address: number): void {
    this.#memory.release(address);
  }

  write(record: Uint8Array): number {
    const memory = this.#memory;
    const address = memory.allocate(record.length, 1);
    if (address === 0) return 0;
    memory.bytesOf(address).set(record, memory.byteOffsetOf(address));
    memory.intsOf(address)[memory.intOffsetOf(address) + PLACE] = 0;
    return address;
  }

  placeOf(address: number): number {
    return this.#memory.intsOf(address)[this.#memory.intOffsetOf(address) + PLACE]!;
  }

  setPlace(address: number, place: number): void {
    this.#memory.intsOf(address)[this.#memory.intOffsetOf(address) + PLACE] = place;
  }
}
