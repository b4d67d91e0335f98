import type { BlockTable } from './block-table.ts';
import {
  BLOCKS_PER_REGION,
  BLOCK_BYTES,
  BLOCK_SHIFT,
  BLOCK_WORDS,
  LEASES,
  NEXT,
  OPEN_BIAS,
  OPEN_BLOCK,
  OPEN_GRANTED,
  RUN_FIRST,
  RUN_LENGTH,
  RUN_TAKEN,
  TAKEN,
  UNIT_BYTES,
  gaugeOf,
} from './memory-layout.ts';
import { RegionPool } from './region-pool.ts';
import { RunSearch } from './run-search.ts';

/** Messages above this get blocks of their own; below it at most a quarter of a block is lost at its end. */
const SHARED_BLOCK_MAX = BLOCK_BYTES / 4;

/** The address that is nobody's: what `allocate` answers when there is no room. */
export const NO_ADDRESS = 0;

/**
 * Takes blocks for one owner, which is one thread; a replacement of that thread makes a new one over the same memory, and
 * finds what the thread had claimed.
 *
 * A free block is one whose lease word is 0: whoever ends the last lease needs no list and no lock. Of the region that it
 * holds, the owner takes what is free, the lowest first, and only then holds another (RegionPool).
 */
export class BlockAllocator {
  readonly #table: BlockTable;
  readonly #pool: RegionPool;
  readonly #owner: number;
  readonly #gauge: number;
  /** The region from which blocks are taken, or -1. */
  #region = -1;
  /** Of that region, the blocks that may be free. Those below are looked at again when one was freed. */
  #next = 0;
  #nextOfRun = 0;
  #end = 0;
  #openAddress = NO_ADDRESS;
  #openEnd = 0;
  /** Next free 16-byte unit of the open block, as an address. */
  #openNext = 0;

  constructor(table: BlockTable, owner: number) {
    this.#table = table;
    this.#pool = new RegionPool(table, owner);
    this.#owner = owner;
    this.#gauge = gaugeOf(owner);
    // In this order: what these two look at is the lost thread's while it is claimed.
    this.#closeInheritedBlock();
    this.#dropInheritedRun();
    this.#pool.recover();
  }

  /**
   * Memory for one message of `sizeBytes` with `leases` holders. Answers its address, 16-byte aligned, or NO_ADDRESS when
   * there is no room.
   */
  allocate(sizeBytes: number, leases: number): number {
    const units = (sizeBytes + UNIT_BYTES - 1) >>> 4;
    if (sizeBytes > SHARED_BLOCK_MAX) return this.#allocateRun(sizeBytes, leases);
    if (this.#openAddress === NO_ADDRESS || this.#openNext + units > this.#openEnd) {
      if (!this.#open()) return NO_ADDRESS;
    }
    const address = this.#openNext;
    this.#openNext = address + units;
    this.#table.gauges[this.#gauge + OPEN_GRANTED]! += leases;
    return address | 0;
  }

  /** Adds holders to a message that has one. */
  lease(address: number, leases: number): void {
    const block = address >>> BLOCK_SHIFT;
    if (block === this.#openAddress >>> BLOCK_SHIFT && this.#openAddress !== NO_ADDRESS) {
      this.#table.gauges[this.#gauge + OPEN_GRANTED]! += leases;
    } else {
      Atomics.add(this.#table.blocks, block * BLOCK_WORDS + LEASES, leases);
    }
  }

  /** One whole block with one lease, for an index. `next` is 0; the contents are whatever was there. */
  allocateBlock(): number {
    const block = this.#takeBlock();
    if (block < 0) return NO_ADDRESS;
    this.#table.blocks[block * BLOCK_WORDS + NEXT] = 0;
    Atomics.store(this.#table.blocks, block * BLOCK_WORDS + LEASES, 1);
    return block << BLOCK_SHIFT;
  }

  #open(): boolean {
    this.#close();
    const block = this.#takeBlock();
    if (block < 0) return false;
    const { blocks, gauges } = this.#table;
    gauges[this.#gauge + OPEN_GRANTED] = 0;
    blocks[block * BLOCK_WORDS + NEXT] = -(this.#owner + 1);
    gauges[this.#gauge + OPEN_BLOCK] = block + 1;
    Atomics.store(blocks, block * BLOCK_WORDS + LEASES, OPEN_BIAS);
    this.#openAddress = block << BLOCK_SHIFT;
    this.#openNext = (block << BLOCK_SHIFT) >>> 0;
    this.#openEnd = this.#openNext + BLOCK_BYTES / UNIT_BYTES;
    return true;
  }

  #close(): void {
    if (this.#openAddress === NO_ADDRESS) return;
    const block = this.#openAddress >>> BLOCK_SHIFT;
    this.#openAddress = NO_ADDRESS;
    this.#table.endLeases(block, OPEN_BIAS - this.#table.gauges[this.#gauge + OPEN_GRANTED]!);
    this.#table.gauges[this.#gauge + OPEN_BLOCK] = 0;
  }

  /** The block that a thread left open when it ended is closed by its replacement, so that it can become free. */
  #closeInheritedBlock(): void {
    const { blocks, gauges } = this.#table;
    const block = gauges[this.#gauge + OPEN_BLOCK]! - 1;
    if (block < 0) return;
    // It ended before the block was open, or after it was closed: by now the block may be anybody's.
    const open =
      Atomics.load(blocks, block * BLOCK_WORDS + LEASES) > OPEN_BIAS / 2 &&
      blocks[block * BLOCK_WORDS + NEXT] === -(this.#owner + 1);
    if (open) this.#table.endLeases(block, OPEN_BIAS - gauges[this.#gauge + OPEN_GRANTED]!);
    gauges[this.#gauge + OPEN_BLOCK] = 0;
  }

  #takeBlock(): number {
    do {
      const block = this.#takeHere();
      if (block >= 0) return block;
    } while (this.#changeRegion());
    return -1;
  }

  /** The next free block of the region that is held, or -1. */
  #takeHere(): number {
    if (this.#region < 0) return -1;
    this.#lookAgain();
    const { blocks, gauges } = this.#table;
    for (let block = this.#next; block < this.#end; block++) {
      if (blocks[block * BLOCK_WORDS + LEASES] !== 0) continue;
      this.#next = block + 1;
      gauges[this.#gauge + TAKEN]!++;
      return block;
    }
    this.#next = this.#end;
    return -1;
  }

  /** Blocks of the region that others freed are taken again before new ones: they are in the caches, and touched. */
  #lookAgain(): void {
    if (this.#pool.freedIn(this.#region) === 0) return;
    this.#pool.startCount(this.#region);
    this.#next = this.#end - BLOCKS_PER_REGION;
    this.#nextOfRun = this.#next;
  }

  #changeRegion(): boolean {
    if (this.#region >= 0) this.#pool.letGo(this.#region);
    this.#hold(this.#pool.claimNext());
    return this.#region >= 0;
  }

  #hold(region: number): void {
    this.#region = region;
    this.#next = region * BLOCKS_PER_REGION;
    this.#nextOfRun = this.#next;
    this.#end = this.#next + BLOCKS_PER_REGION;
  }

  #allocateRun(sizeBytes: number, leases: number): number {
    const run = Math.ceil(sizeBytes / BLOCK_BYTES);
    if (run === 1) return this.#allocateAlone(leases);
    let start = this.#findHere(run);
    if (start >= 0) this.#mark(start, run, leases);
    else {
      const search = new RunSearch(this.#table, this.#pool, run, this.#region);
      start = search.find();
      if (start < 0) return NO_ADDRESS;
      this.#mark(start, run, leases);
      this.#hold(search.keepLast());
    }
    // Only now: until here a replacement would free the run.
    this.#table.gauges[this.#gauge + RUN_FIRST] = 0;
    return start << BLOCK_SHIFT;
  }

  #allocateAlone(leases: number): number {
    const block = this.#takeBlock();
    if (block < 0) return NO_ADDRESS;
    this.#table.blocks[block * BLOCK_WORDS + NEXT] = 1;
    Atomics.store(this.#table.blocks, block * BLOCK_WORDS + LEASES, leases);
    return block << BLOCK_SHIFT;
  }

  /** `run` free blocks in a row of the region that is held, behind the last run first; or -1. */
  #findHere(run: number): number {
    if (this.#region < 0 || run > BLOCKS_PER_REGION) return -1;
    const start = this.#findBehind(run);
    if (start >= 0 || this.#pool.freedIn(this.#region) === 0) return start;
    this.#lookAgain();
    return this.#findBehind(run);
  }

  #findBehind(run: number): number {
    const { blocks } = this.#table;
    let found = 0;
    for (let block = this.#nextOfRun; block < this.#end; block++) {
      found = blocks[block * BLOCK_WORDS + LEASES] === 0 ? found + 1 : 0;
      if (found < run) continue;
      this.#nextOfRun = block + 1;
      return block - run + 1;
    }
    return -1;
  }

  /** Takes free blocks of claimed regions as one message, and notes which until its address is known. */
  #mark(start: number, run: number, leases: number): void {
    const { blocks, gauges } = this.#table;
    gauges[this.#gauge + RUN_TAKEN] = gauges[this.#gauge + TAKEN]!;
    gauges[this.#gauge + RUN_LENGTH] = run;
    gauges[this.#gauge + RUN_FIRST] = start + 1;
    for (let follower = start + 1; follower < start + run; follower++) blocks[follower * BLOCK_WORDS + LEASES] = 1;
    blocks[start * BLOCK_WORDS + NEXT] = run;
    Atomics.store(blocks, start * BLOCK_WORDS + LEASES, leases);
    gauges[this.#gauge + TAKEN]! += run;
  }

  /**
   * The thread ended while it took a run: nobody knows of it. A block is free only when it is not counted here any more,
   * because somebody else may take it at once, and this replacement may end as well.
   */
  #dropInheritedRun(): void {
    const { blocks, gauges } = this.#table;
    const start = gauges[this.#gauge + RUN_FIRST]! - 1;
    if (start < 0) return;
    gauges[this.#gauge + TAKEN] = gauges[this.#gauge + RUN_TAKEN]!;
    for (let left = gauges[this.#gauge + RUN_LENGTH]! - 1; left >= 0; left--) {
      gauges[this.#gauge + RUN_LENGTH] = left;
      Atomics.store(blocks, (start + left) * BLOCK_WORDS + LEASES, 0);
    }
    gauges[this.#gauge + RUN_FIRST] = 0;
  }
}
