import type { BlockTable } from './block-table.ts';
import {
  BLOCKS_PER_ARENA,
  BLOCK_BYTES,
  BLOCK_SHIFT,
  BLOCK_WORDS,
  FREED,
  FRONTIER,
  GAUGE_WORDS,
  LEASES,
  NEXT,
  OPEN_BIAS,
  OPEN_BLOCK,
  OPEN_GRANTED,
  TAKEN,
  UNIT_BYTES,
} from './memory-layout.ts';

/**
 * While fewer than one block in this many is free below the frontier, the frontier moves instead of a search: a search
 * then looks at this many blocks on average.
 */
const SEARCH_RATIO = 32;
/** A run of blocks is looked for over this many blocks before the frontier moves. */
const RUN_SEARCH_MAX = 512;
/** Of a block's number, the bits that say which arena it lies in. */
const ARENA_MASK = ~(BLOCKS_PER_ARENA - 1);
/** Messages above this get blocks of their own; below it at most a quarter of a block is lost at its end. */
const SHARED_BLOCK_MAX = BLOCK_BYTES / 4;

/** The address that is nobody's: what `allocate` answers when the owner's arenas are full. */
export const NO_ADDRESS = 0;

/**
 * Takes blocks from one owner's arenas. One thread owns it; a replacement of that thread makes a new one over the same
 * memory and goes on from the frontier.
 *
 * Blocks below the frontier are reused before the frontier moves, so that the touched memory stays as small as the
 * contents ever were. A free block is one whose lease word is 0: whoever ends the last lease needs no list and no lock.
 */
export class BlockAllocator {
  readonly #table: BlockTable;
  readonly #gauge: number;
  readonly #first: number;
  readonly #end: number;
  #search: number;
  #openAddress = NO_ADDRESS;
  #openEnd = 0;
  /** Next free 16-byte unit of the open block, as an address. */
  #openNext = 0;

  constructor(table: BlockTable, owner: number) {
    this.#table = table;
    this.#gauge = owner * GAUGE_WORDS;
    this.#first = owner * table.blocksPerOwner;
    this.#end = this.#first + table.blocksPerOwner;
    // Block 0 of arena 0 holds the address 0, which means nobody.
    if (this.#frontier < 1) this.#frontier = 1;
    this.#search = this.#first + 1;
    this.#closeInheritedBlock();
  }

  get #frontier(): number {
    return this.#table.gauges[this.#gauge + FRONTIER]!;
  }

  set #frontier(blocks: number) {
    this.#table.gauges[this.#gauge + FRONTIER] = blocks;
  }

  /**
   * Memory for one message of `sizeBytes` with `leases` holders. Answers its address, 16-byte aligned, or NO_ADDRESS when
   * the arenas are full.
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

  /** Adds holders to a message that this allocator gave out and that still has one. */
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
    this.#table.blocks[block * BLOCK_WORDS + NEXT] = 0;
    Atomics.store(this.#table.blocks, block * BLOCK_WORDS + LEASES, OPEN_BIAS);
    this.#table.gauges[this.#gauge + OPEN_GRANTED] = 0;
    this.#table.gauges[this.#gauge + OPEN_BLOCK] = block + 1;
    this.#openAddress = block << BLOCK_SHIFT;
    this.#openNext = (block << BLOCK_SHIFT) >>> 0;
    this.#openEnd = this.#openNext + BLOCK_BYTES / UNIT_BYTES;
    return true;
  }

  #close(): void {
    this.#openAddress = NO_ADDRESS;
    const block = this.#table.gauges[this.#gauge + OPEN_BLOCK]! - 1;
    if (block < 0) return;
    const granted = this.#table.gauges[this.#gauge + OPEN_GRANTED]!;
    this.#table.gauges[this.#gauge + OPEN_BLOCK] = 0;
    this.#table.endLeases(block, OPEN_BIAS - granted);
  }

  /** The block that a thread left open when it ended is closed by its replacement, so that it can become free. */
  #closeInheritedBlock(): void {
    this.#close();
  }

  #takeBlock(): number {
    const { blocks, gauges } = this.#table;
    const frontier = this.#frontier;
    const free = frontier - 1 - ((gauges[this.#gauge + TAKEN]! - gauges[this.#gauge + FREED]!) | 0);
    if (free * SEARCH_RATIO < frontier && this.#first + frontier < this.#end) {
      this.#frontier = frontier + 1;
      gauges[this.#gauge + TAKEN]!++;
      return this.#first + frontier;
    }
    const start = this.#first + 1;
    const end = this.#first + frontier;
    let block = this.#search;
    for (let looked = start; looked < end; looked++, block++) {
      if (block >= end) block = start;
      if (blocks[block * BLOCK_WORDS + LEASES] === 0) {
        this.#search = block + 1;
        gauges[this.#gauge + TAKEN]!++;
        return block;
      }
    }
    return -1;
  }

  #allocateRun(sizeBytes: number, leases: number): number {
    const run = Math.ceil(sizeBytes / BLOCK_BYTES);
    const block = this.#takeRun(run);
    if (block < 0) return NO_ADDRESS;
    const { blocks, gauges } = this.#table;
    for (let follower = block + 1; follower < block + run; follower++) {
      Atomics.store(blocks, follower * BLOCK_WORDS + LEASES, 1);
    }
    blocks[block * BLOCK_WORDS + NEXT] = run;
    Atomics.store(blocks, block * BLOCK_WORDS + LEASES, leases);
    gauges[this.#gauge + TAKEN]! += run;
    return block << BLOCK_SHIFT;
  }

  #takeRun(run: number): number {
    const near = this.#findRun(run, RUN_SEARCH_MAX);
    if (near >= 0) return near;
    let start = this.#first + this.#frontier;
    if ((start & ARENA_MASK) !== ((start + run - 1) & ARENA_MASK)) start = (start + run - 1) & ARENA_MASK;
    // The frontier has nowhere to go: what is free lies below it, wherever that is.
    if (start + run > this.#end) return this.#findRun(run, 2 * this.#frontier);
    this.#frontier = start + run - this.#first;
    return start;
  }

  /** Looks at `blocks` blocks below the frontier for `run` free ones in a row. Answers the first, or -1. */
  #findRun(run: number, blocks: number): number {
    const end = this.#first + this.#frontier;
    let found = 0;
    let block = this.#search >= end ? this.#first + 1 : this.#search;
    for (let looked = 0; looked < blocks; looked++, block++) {
      if (block >= end) {
        block = this.#first + 1;
        found = 0;
        if (block >= end) break;
      }
      // A run lies within one arena: its bytes are contiguous only there.
      if (found > 0 && (block & ARENA_MASK) !== ((block - 1) & ARENA_MASK)) found = 0;
      found = this.#table.blocks[block * BLOCK_WORDS + LEASES] === 0 ? found + 1 : 0;
      if (found === run) {
        this.#search = block + 1;
        return block - run + 1;
      }
    }
    return -1;
  }
}
