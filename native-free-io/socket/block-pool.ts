/**
 * Blocks of memory for bytes on their way out, one pool for each thread. A fresh 1 MiB block for every wake-up costs 4 ms
 * at p99 (allocation, page faults, collection), so blocks go round: a socket borrows one when it has something to say and
 * gives it back when the kernel has taken the bytes. An idle socket holds none.
 */

/**
 * The size of a pooled block, bytes. Passing on frames of 130 bytes (bench/micro/socket.ts, Node 24, 2 cores, median of 5),
 * million frames a second by size of block: 16 KiB 5.2, 32 KiB 5.4, 64 KiB 5.2, 128 KiB 5.4, 256 KiB 5.3, 1 MiB 5.0. Since
 * blocks are reused the size hardly matters; 64 KiB holds a turn's worth, and is what a stalled connection costs at least.
 */
export const BLOCK_SIZE_BYTES = 64 * 1024;

/** The pool keeps at most this many idle blocks (16 MiB at the usual size); the rest go to the garbage collector. */
export const BLOCKS_IDLE_MAX = 256;

/** One piece of memory, seen in the two ways in which a frame writer wants to see it. */
export class Block {
  readonly buffer: Buffer;
  readonly view: DataView;
  readonly sizeBytes: number;

  constructor(sizeBytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(sizeBytes);
    this.view = new DataView(this.buffer.buffer, this.buffer.byteOffset, sizeBytes);
    this.sizeBytes = sizeBytes;
  }
}

/** Lends blocks and takes them back. Not to be shared between threads. */
export class BlockPool {
  readonly blockSizeBytes: number;
  readonly idleMax: number;
  /** Blocks lent and not yet returned, those made to measure included. */
  lentCount = 0;
  /** Blocks made since the start; does not grow under a steady load. */
  createdCount = 0;
  readonly #idle: Block[] = [];

  constructor(blockSizeBytes: number = BLOCK_SIZE_BYTES, idleMax: number = BLOCKS_IDLE_MAX) {
    this.blockSizeBytes = blockSizeBytes;
    this.idleMax = idleMax;
  }

  /** Blocks waiting to be lent. */
  get idleCount(): number {
    return this.#idle.length;
  }

  /** A block of at least `sizeBytes`. Above the pool's block size it is made to measure and not kept afterwards. */
  borrow(sizeBytes: number): Block {
    this.lentCount += 1;
    const idle = sizeBytes <= this.blockSizeBytes ? this.#idle.pop() : undefined;
    if (idle !== undefined) return idle;
    this.createdCount += 1;
    return new Block(Math.max(sizeBytes, this.blockSizeBytes));
  }

  /** Gives a block back. Nothing may read or write it through the old borrower any more, the kernel included. */
  giveBack(block: Block): void {
    this.lentCount -= 1;
    if (block.sizeBytes === this.blockSizeBytes && this.#idle.length < this.idleMax) this.#idle.push(block);
  }
}
