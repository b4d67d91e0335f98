import {
  ARENA_SHIFT,
  BLOCKS_PER_ARENA,
  BLOCK_BYTES,
  BLOCK_SHIFT,
  BLOCK_WORDS,
  FREED,
  GAUGE_WORDS,
  LEASES,
  NEXT,
  type SharedMemory,
  TAKEN,
  UNIT_MASK,
} from './memory-layout.ts';

/**
 * One thread's view of the shared memory: arenas as bytes and ints, the block table, and the release of leases, which any
 * thread may do. Taking blocks is the owner's alone: see BlockAllocator.
 */
export class BlockTable {
  readonly bytes: readonly Buffer[];
  readonly ints: readonly Int32Array[];
  readonly views: readonly DataView[];
  readonly blocks: Int32Array;
  readonly gauges: Int32Array;
  readonly owners: number;
  readonly blocksPerOwner: number;
  #releasing = -1;
  #releases = 0;

  constructor(memory: SharedMemory) {
    this.bytes = memory.arenas.map((arena) => Buffer.from(arena));
    this.ints = memory.arenas.map((arena) => new Int32Array(arena));
    this.views = memory.arenas.map((arena) => new DataView(arena));
    this.blocks = new Int32Array(memory.blockTable);
    this.gauges = new Int32Array(memory.gauges);
    this.owners = this.gauges.length / GAUGE_WORDS;
    this.blocksPerOwner = memory.arenasPerOwner * BLOCKS_PER_ARENA;
  }

  /** Index of the block that holds `address`, over all arenas. */
  static blockOf(address: number): number {
    return address >>> BLOCK_SHIFT;
  }

  static addressOf(block: number): number {
    return block << BLOCK_SHIFT;
  }

  static arenaOf(address: number): number {
    return address >>> ARENA_SHIFT;
  }

  static byteOffsetOf(address: number): number {
    return (address & UNIT_MASK) * 16;
  }

  static intOffsetOf(address: number): number {
    return (address & UNIT_MASK) << 2;
  }

  /**
   * Ends one lease on the message at `address`. Neighbours mostly lie in one block, so leases are counted here and given
   * back together: a locked instruction costs as much as the rest of the bookkeeping. `flushReleases` ends the batch.
   */
  release(address: number): void {
    const block = address >>> BLOCK_SHIFT;
    if (block === this.#releasing) {
      this.#releases++;
      return;
    }
    this.flushReleases();
    this.#releasing = block;
    this.#releases = 1;
  }

  flushReleases(): void {
    if (this.#releases === 0) return;
    this.endLeases(this.#releasing, this.#releases);
    this.#releasing = -1;
    this.#releases = 0;
  }

  /** Adds a holder to a message that has one, from any thread. */
  hold(address: number): void {
    Atomics.add(this.blocks, (address >>> BLOCK_SHIFT) * BLOCK_WORDS + LEASES, 1);
  }

  /** Ends `count` leases on a block; the last one frees the block, or the run that starts at it. */
  endLeases(block: number, count: number): void {
    const word = block * BLOCK_WORDS + LEASES;
    // Read while a lease is still held: once it has ended, the owner may give the block to somebody else.
    const run = this.blocks[block * BLOCK_WORDS + NEXT]!;
    const before = Atomics.sub(this.blocks, word, count);
    if (before < count) {
      Atomics.add(this.blocks, word, count);
      throw new Error(`block ${block} has ${before} leases, cannot end ${count}`);
    }
    if (before === count) this.#freed(block, run);
  }

  /** Frees a block taken with `allocateBlock`. */
  freeBlock(address: number): void {
    const block = address >>> BLOCK_SHIFT;
    this.blocks[block * BLOCK_WORDS + NEXT] = 0;
    this.endLeases(block, 1);
  }

  #freed(block: number, run: number): void {
    const gauge = Math.floor(block / this.blocksPerOwner) * GAUGE_WORDS;
    for (let follower = block + 1; follower < block + run; follower++) {
      Atomics.store(this.blocks, follower * BLOCK_WORDS + LEASES, 0);
    }
    Atomics.add(this.gauges, gauge + FREED, Math.max(run, 1));
  }

  /** Memory in use by all owners, bytes, in whole blocks. */
  usedBytes(): number {
    let blocks = 0;
    for (let gauge = 0; gauge < this.gauges.length; gauge += GAUGE_WORDS) {
      blocks += (this.gauges[gauge + TAKEN]! - this.gauges[gauge + FREED]!) | 0;
    }
    return blocks * BLOCK_BYTES;
  }
}
