import {
  ARENA_SHIFT,
  BLOCKS_PER_REGION,
  BLOCK_BYTES,
  BLOCK_SHIFT,
  BLOCK_WORDS,
  FREED,
  FREED_HERE,
  FRONTIER,
  GAUGE_WORDS,
  LEASES,
  NEXT,
  REGION_SHIFT,
  REGION_WORDS,
  type SharedMemory,
  TAKEN,
  UNIT_MASK,
  gaugeOf,
} from './memory-layout.ts';

/**
 * One thread's view of the shared memory: arenas as bytes and ints, the block table, and the release of leases, which any
 * thread may do. Taking blocks is for owners: see BlockAllocator.
 */
export class BlockTable {
  readonly bytes: readonly Buffer[];
  readonly ints: readonly Int32Array[];
  readonly views: readonly DataView[];
  readonly blocks: Int32Array;
  readonly regions: Int32Array;
  readonly gauges: Int32Array;
  readonly owners: number;
  #releasing = -1;
  #releases = 0;

  constructor(memory: SharedMemory) {
    this.bytes = memory.arenas.map((arena) => Buffer.from(arena));
    this.ints = memory.arenas.map((arena) => new Int32Array(arena));
    this.views = memory.arenas.map((arena) => new DataView(arena));
    this.blocks = new Int32Array(memory.blockTable);
    this.gauges = new Int32Array(memory.gauges);
    this.regions = new Int32Array(memory.regionTable);
    this.owners = this.gauges.length / GAUGE_WORDS - 1;
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
    // Read while a lease is still held: once it has ended, the block may be given to somebody else.
    const run = this.blocks[block * BLOCK_WORDS + NEXT]!;
    if (run > 1) {
      this.#endLeasesOfRun(block, run, count);
      return;
    }
    const before = Atomics.sub(this.blocks, word, count);
    if (before < count) {
      Atomics.add(this.blocks, word, count);
      throw tooFew(block, before, count);
    }
    if (before === count) this.#freed(block, 1);
  }

  /** The first block of a run is free last: a thread that ends in the middle loses this block, not what follows it. */
  #endLeasesOfRun(block: number, run: number, count: number): void {
    const { blocks } = this;
    const word = block * BLOCK_WORDS + LEASES;
    let held = Atomics.load(blocks, word);
    while (held !== count) {
      if (held < count) throw tooFew(block, held, count);
      const seen = Atomics.compareExchange(blocks, word, held, held - count);
      if (seen === held) return;
      held = seen;
    }
    // Nobody else has a lease, so nobody else can change the word.
    for (let follower = block + 1; follower < block + run; follower++) {
      Atomics.store(blocks, follower * BLOCK_WORDS + LEASES, 0);
    }
    Atomics.store(blocks, word, 0);
    this.#freed(block, run);
  }

  /** Frees a block taken with `allocateBlock`. */
  freeBlock(address: number): void {
    const block = address >>> BLOCK_SHIFT;
    this.blocks[block * BLOCK_WORDS + NEXT] = 0;
    this.endLeases(block, 1);
  }

  /** After the blocks are free, never before: whoever reads the count must find them. */
  #freed(block: number, run: number): void {
    const end = block + run;
    for (let first = block; first < end; ) {
      const region = first >>> REGION_SHIFT;
      const next = Math.min(end, (region + 1) << REGION_SHIFT);
      Atomics.add(this.regions, region * REGION_WORDS + FREED_HERE, next - first);
      first = next;
    }
    Atomics.add(this.gauges, FREED, run);
  }

  /** Blocks in use by all owners. */
  usedBlocks(): number {
    let blocks = -this.gauges[FREED]!;
    for (let owner = 0; owner < this.owners; owner++) blocks += this.gauges[gaugeOf(owner) + TAKEN]!;
    return blocks | 0;
  }

  /** Memory in use by all owners, bytes, in whole blocks. */
  usedBytes(): number {
    return this.usedBlocks() * BLOCK_BYTES;
  }

  /** Blocks of regions that somebody ever claimed: what was ever touched is among them. */
  claimedBlocks(): number {
    return Atomics.load(this.gauges, FRONTIER) * BLOCKS_PER_REGION;
  }
}

function tooFew(block: number, held: number, count: number): Error {
  return new Error(`block ${block} has ${held} leases, cannot end ${count}`);
}
