/** The ports of the pure code to shared memory, over native-free-io/memory. */
import { BlockAllocator } from '../../native-free-io/memory/block-allocator.ts';
import { BlockTable } from '../../native-free-io/memory/block-table.ts';
import { BLOCK_SHIFT, BLOCK_WORDS, NEXT, UNIT_MASK } from '../../native-free-io/memory/memory-layout.ts';
import type { MessageMemory } from '../amqp/stored-message.ts';
import type { QueueMemory } from '../broker/queue/queue-memory.ts';

/** One thread's memory: messages it writes and indexes of its queues come from its own arenas, releases go anywhere. */
export class ThreadMemory implements MessageMemory, QueueMemory {
  readonly slots: Int32Array;
  readonly table: BlockTable;
  readonly #allocator: BlockAllocator;
  readonly #bytes: readonly Buffer[];
  readonly #ints: readonly Int32Array[];
  readonly #views: readonly DataView[];

  constructor(table: BlockTable, owner: number, slots: Int32Array) {
    this.table = table;
    this.slots = slots;
    this.#allocator = new BlockAllocator(table, owner);
    this.#bytes = table.bytes;
    this.#ints = table.ints;
    this.#views = table.views;
  }

  allocate(sizeBytes: number, leases: number): number {
    return this.#allocator.allocate(sizeBytes, leases);
  }

  lease(address: number, leases: number): void {
    this.#allocator.lease(address, leases);
  }

  hold(address: number): void {
    this.table.hold(address);
  }

  release(address: number): void {
    this.table.release(address);
  }

  bytesOf(address: number): Buffer {
    return this.#bytes[address >>> 26]!;
  }

  viewOf(address: number): DataView {
    return this.#views[address >>> 26]!;
  }

  intsOf(address: number): Int32Array {
    return this.#ints[address >>> 26]!;
  }

  byteOffsetOf(address: number): number {
    return (address & UNIT_MASK) * 16;
  }

  intOffsetOf(address: number): number {
    return (address & UNIT_MASK) << 2;
  }

  allocateChunk(): number {
    return this.#allocator.allocateBlock();
  }

  freeChunk(address: number): void {
    this.table.freeBlock(address);
  }

  nextChunk(address: number): number {
    return this.table.blocks[(address >>> BLOCK_SHIFT) * BLOCK_WORDS + NEXT]!;
  }

  setNextChunk(address: number, next: number): void {
    this.table.blocks[(address >>> BLOCK_SHIFT) * BLOCK_WORDS + NEXT] = next;
  }
}
