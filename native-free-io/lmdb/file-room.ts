/**
 * Keeps the file longer than LMDB needs it, by zeros that are written ahead of a commit, so that a full device is met here and never
 * by LMDB. LMDB cannot stand it: when a write of pages is refused it puts a text into memory that is too short for it (mdb.c,
 * mdb_page_flush), which may end the process at once.
 *
 * ```
 * | meta pages | pages up to the last one of the newest commit | zeros on blocks of their own |
 *                                                              ^ used                         ^ allocated
 * ```
 *
 * With its blocks there, a write of pages is refused no more, nor is that of a meta page: both go over what is allocated. (A file
 * system that never writes in place may need room even so; for it the device is asked how much it has before each commit.)
 * Zeros count for nothing: LMDB takes the end of what it uses from its meta page, and so does the check of the file.
 *
 * The bytes of a growing file go to the device twice. Yet most commits are faster, since their flush has no blocks to allocate and
 * no new length to write down; those that bring the zeros make up for it, and the mean is about the same. Microseconds, without
 * zeros and with them, in turns on a machine with much else to do, lowest and highest of three runs:
 *
 *   commit of 64 KiB in a growing file      median   535 to 611    298 to 415      mean   642 to 1,080    496 to 796
 *   commit of 256 KiB, likewise                      548 to 696    313 to 703             770 to 843      541 to 1,826
 *   commit of 100 bytes                              224 to 313    222 to 286             288 to 459      249 to 447
 */
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { isFullDevice } from './lmdb-errors.ts';

/** More than is needed at once: an eighth of the file, within these bounds. A new one stays small, and none grows by leaps. */
const STEP_SHARE = 8;
const STEP_BYTES_MIN = 64 << 10;
const STEP_BYTES_MAX = 1 << 20;
/** The unit of `blocks` in the answer of stat. */
const BLOCK_BYTES = 512;
const ZEROS = Buffer.alloc(256 << 10);

export class FileRoom {
  readonly #path: string;
  /** Up to here the file has blocks, or LMDB has written. */
  #allocatedBytes: number;

  /** `usedBytes`: the end of the last page of the newest commit. */
  constructor(path: string, usedBytes: number) {
    this.#path = path;
    const { size, blocks } = statSync(path);
    // A copy of a file may have holes where this one had zeros: they are written anew.
    this.#allocatedBytes = blocks * BLOCK_BYTES < size ? Math.min(size, usedBytes) : size;
  }

  /**
   * Sees to it that `roomBytes` are allocated behind `usedBytes`. Throws the system's error when they cannot be; what could be
   * written stays, and harms nobody.
   */
  require(usedBytes: number, roomBytes: number): void {
    if (this.#allocatedBytes < usedBytes) this.#allocatedBytes = this.#writtenBytes(usedBytes);
    const neededBytes = usedBytes + roomBytes;
    if (neededBytes <= this.#allocatedBytes) return;
    const stepBytes = Math.min(Math.max(usedBytes / STEP_SHARE, STEP_BYTES_MIN), STEP_BYTES_MAX);
    try {
      this.#allocateTo(Math.ceil(neededBytes + stepBytes));
    } catch (error) {
      if (!isFullDevice(error) || this.#allocatedBytes < neededBytes) throw error;
    }
  }

  /** Pages that LMDB has taken and let go again behind the end of the file are in use, and were never written. */
  #writtenBytes(usedBytes: number): number {
    return Math.max(this.#allocatedBytes, Math.min(usedBytes, statSync(this.#path).size));
  }

  #allocateTo(endBytes: number): void {
    const descriptor = openSync(this.#path, 'r+');
    try {
      while (this.#allocatedBytes < endBytes) {
        const sizeBytes = Math.min(ZEROS.length, endBytes - this.#allocatedBytes);
        this.#allocatedBytes += writeSync(descriptor, ZEROS, 0, sizeBytes, this.#allocatedBytes);
      }
    } finally {
      closeSync(descriptor);
    }
  }
}
