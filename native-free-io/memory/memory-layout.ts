/**
 * The memory that all threads of a node share, as numbers.
 *
 * ```
 * arenas      one SharedArrayBuffer of 1 GiB each, a fixed number per owner (a scheduler thread). The system commits pages
 *             when they are first touched, so a reserved arena costs nothing.
 *
 *             | block 0 | block 1 | ...                                            | block 65535 |
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
 *             leases  how many holders the block has; 0 is free. While its owner still writes messages into it, the word
 *                     also holds OPEN_BIAS, so that it cannot reach 0 early.
 *             next    address of the block that follows in a chain (the index of a queue), or the length of a run
 *
 * gauges      eight words an owner, padded to two cache lines so that owners do not slow each other
 * ```
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

export const BLOCK_WORDS = 2;
export const LEASES = 0;
export const NEXT = 1;
/** More than any block can hold leases: 1,024 units times the queues a message may be routed to in one grant. */
export const OPEN_BIAS = 2 ** 28;

export const GAUGE_WORDS = 32;
/** Blocks that the owner took, a wrapping counter written by the owner alone. */
export const TAKEN = 0;
/** Blocks that came back, a wrapping counter written by every thread. */
export const FREED = 1;
/** Blocks of the owner's arenas that were ever used: all below were touched, all above never. */
export const FRONTIER = 2;
/** Block that the owner writes messages into, as index + 1; 0 is none. Survives the thread. */
export const OPEN_BLOCK = 3;
/** Leases granted in the open block so far. */
export const OPEN_GRANTED = 4;

export type SharedMemory = {
  readonly arenas: readonly SharedArrayBuffer[];
  readonly arenasPerOwner: number;
  readonly blockTable: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
};

/**
 * Reserves memory for `owners` threads, each of which may use up to `limitBytes`, in whole arenas. Throws RangeError when
 * the system refuses the address space.
 */
export function createSharedMemory(owners: number, limitBytes: number): SharedMemory {
  const wanted = Math.max(1, Math.ceil((limitBytes * 1.25) / ARENA_BYTES));
  const arenasPerOwner = Math.max(1, Math.min(wanted, Math.floor(ARENAS_MAX / owners)));
  const count = arenasPerOwner * owners;
  return {
    arenas: Array.from({ length: count }, () => new SharedArrayBuffer(ARENA_BYTES)),
    arenasPerOwner,
    blockTable: new SharedArrayBuffer(count * BLOCKS_PER_ARENA * BLOCK_WORDS * 4),
    gauges: new SharedArrayBuffer(owners * GAUGE_WORDS * 4),
  };
}
