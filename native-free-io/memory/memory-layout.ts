/**
 * The memory that all threads of a node share, as numbers.
 *
 * ```
 * arenas      SharedArrayBuffers of 1 GiB each. The system commits pages when they are first touched, so a reserved arena
 *             costs nothing.
 *
 *             | region 0                    | region 1 | ...                       | region 1023 |
 *              1 MiB
 *             | block 0 | ... | block 63    |
 *              16 KiB
 *
 * address     one int32 names any 16-byte unit of any arena; 0 is nobody's (its block is never given out):
 *
 *              31      26 25                        0
 *             | arena    | unit within the arena     |
 *
 * block table two words a block, in an Int32Array of their own:
 *
 *             | leases | next | leases | next | ...
 *
 *             leases  how many holders the block has; 0 is free. While an owner writes messages into it, the word also
 *                     holds OPEN_BIAS, so that it cannot reach 0 early.
 *             next    link to the block that follows in a chain (the index of a queue), or the length of a run, or
 *                     -(owner + 1) of who writes messages into it or did so last
 *
 * region      two words a region:
 * table
 *             | claimant | freed | claimant | freed | ...
 *
 *             claimant  owner + 1 of who takes blocks from the region now; 0 is nobody: then any owner may claim it
 *             freed     blocks that became free since the region was claimed, or more, but never fewer: where to look
 *
 * gauges      32 words for all together, then 32 an owner: two cache lines each, so that owners do not slow each other
 * ```
 *
 * An owner is a thread that takes memory. None has memory of its own: it claims a region, takes the free blocks of it, lets it
 * go and claims another, so that what one thread gave back is the next one's, whichever that is. Claiming is one
 * compare-and-exchange, and the word says who did: a thread that ends at any instruction leaves its claims to be found.
 */
export const BLOCK_BYTES = 16_384;
export const UNIT_BYTES = 16;
export const UNITS_PER_BLOCK = BLOCK_BYTES / UNIT_BYTES;
export const INTS_PER_UNIT = UNIT_BYTES / 4;
export const ARENA_BYTES = 2 ** 30;
export const BLOCKS_PER_ARENA = ARENA_BYTES / BLOCK_BYTES;
export const ARENA_SHIFT = 26;
export const UNIT_MASK = 2 ** ARENA_SHIFT - 1;
/** An address is an int32, so a node holds at most 64 arenas: 64 GiB of message memory. */
export const ARENAS_MAX = 64;
export const BLOCK_SHIFT = 10;

/** Of a block's number, the bits below its region's. */
export const REGION_SHIFT = 6;
export const BLOCKS_PER_REGION = 1 << REGION_SHIFT;
export const REGION_BYTES = BLOCKS_PER_REGION * BLOCK_BYTES;
export const REGIONS_PER_ARENA = ARENA_BYTES / REGION_BYTES;

export const BLOCK_WORDS = 2;
export const LEASES = 0;
export const NEXT = 1;
/** More than any block can hold leases: 1,024 units times the queues a message may be routed to in one grant. */
export const OPEN_BIAS = 2 ** 28;

export const REGION_WORDS = 2;
export const CLAIMANT = 0;
export const FREED_HERE = 1;

export const GAUGE_WORDS = 32;
/** Common: blocks that came back, a wrapping counter written by every thread. */
export const FREED = 0;
/** Common: regions that were ever claimed: all above were never touched. */
export const FRONTIER = 1;
/** Of an owner: blocks that it took, a wrapping counter that nobody else writes. */
export const TAKEN = 0;
/** Of an owner: the block that it writes messages into, as index + 1; 0 is none. Survives the thread. */
export const OPEN_BLOCK = 1;
/** Of an owner: leases granted in the open block so far. */
export const OPEN_GRANTED = 2;
/**
 * Of an owner: the first block of the run that it is taking, as index + 1 (0 is none), how many there are, and what TAKEN was
 * before.
 */
export const RUN_FIRST = 3;
export const RUN_LENGTH = 4;
export const RUN_TAKEN = 5;

/** Index of an owner's gauges; those of all together come first. */
export function gaugeOf(owner: number): number {
  return (owner + 1) * GAUGE_WORDS;
}

export type MemoryTables = {
  readonly blockTable: SharedArrayBuffer;
  readonly regionTable: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
};

export type SharedMemory = MemoryTables & { readonly arenas: readonly SharedArrayBuffer[] };

/** The books of `regions` regions for `owners` threads. */
export function createTables(owners: number, regions: number): MemoryTables {
  const blockTable = new SharedArrayBuffer(regions * BLOCKS_PER_REGION * BLOCK_WORDS * 4);
  // The address 0 means nobody, so its block is never free.
  new Int32Array(blockTable)[LEASES] = 1;
  return {
    blockTable,
    regionTable: new SharedArrayBuffer(regions * REGION_WORDS * 4),
    gauges: new SharedArrayBuffer(gaugeOf(owners) * 4),
  };
}

/**
 * Reserves memory for `owners` threads, which together may use up to `limitBytes`, in whole arenas. What is above the limit is
 * for those who are in the middle of something when it is reached, and for runs that find no gap. Throws RangeError when the
 * system refuses the address space.
 */
export function createSharedMemory(owners: number, limitBytes: number): SharedMemory {
  const arenas = Math.min(ARENAS_MAX, Math.max(1, Math.ceil((limitBytes * 1.25) / ARENA_BYTES)));
  return {
    arenas: Array.from({ length: arenas }, () => new SharedArrayBuffer(ARENA_BYTES)),
    ...createTables(owners, arenas * REGIONS_PER_ARENA),
  };
}
