/** What must be true of shared memory whatever happened, and a way to make use after release visible. */
import {
  BLOCK_BYTES,
  BLOCK_WORDS,
  BLOCKS_PER_ARENA,
  FREED,
  FRONTIER,
  GAUGE_WORDS,
  LEASES,
  OPEN_BIAS,
  OPEN_BLOCK,
  OPEN_GRANTED,
  type SharedMemory,
  TAKEN,
} from '../../../native-free-io/memory/memory-layout.ts';

/** What released memory is written over with. */
const POISON = 0xdb;

export class SimMemoryCheck {
  readonly #memory: SharedMemory;
  readonly #blocks: Int32Array;
  readonly #gauges: Int32Array;
  readonly #owners: number;
  readonly #poisoned = new Set<number>();

  constructor(memory: SharedMemory) {
    this.#memory = memory;
    this.#blocks = new Int32Array(memory.blockTable);
    this.#gauges = new Int32Array(memory.gauges);
    this.#owners = this.#gauges.length / GAUGE_WORDS;
  }

  /** Writes over every block that nobody holds, so that whoever still reads it reads nonsense. */
  poison(): void {
    for (let owner = 0; owner < this.#owners; owner++) {
      const first = owner * BLOCKS_PER_ARENA;
      const bytes = Buffer.from(this.#memory.arenas[owner]!);
      for (let block = first + 1; block < first + this.#gauge(owner, FRONTIER); block++) {
        if (this.#leases(block) !== 0) this.#poisoned.delete(block);
        else if (!this.#poisoned.has(block)) {
          bytes.fill(POISON, (block - first) * BLOCK_BYTES, (block - first + 1) * BLOCK_BYTES);
          this.#poisoned.add(block);
        }
      }
    }
  }

  /** Blocks that are held although nothing is anywhere, and leases in the blocks that threads write into; as sentences. */
  *leaks(): Iterable<string> {
    for (let owner = 0; owner < this.#owners; owner++) {
      const open = this.#gauge(owner, OPEN_BLOCK) - 1;
      const taken = (this.#gauge(owner, TAKEN) - this.#gauge(owner, FREED)) | 0;
      if (taken !== (open < 0 ? 0 : 1)) yield `thread ${owner + 1} counts ${taken} blocks in use`;
      if (open >= 0) {
        const held = this.#gauge(owner, OPEN_GRANTED) - (OPEN_BIAS - this.#leases(open));
        if (held !== 0) yield `the open block of thread ${owner + 1} has ${held} leases`;
      }
      const first = owner * BLOCKS_PER_ARENA;
      for (let block = first + 1; block < first + this.#gauge(owner, FRONTIER); block++) {
        if (block !== open && this.#leases(block) !== 0) yield `block ${block} has ${this.#leases(block)} leases`;
      }
    }
  }

  /** The arenas of a simulation are short. */
  get exhausted(): boolean {
    for (let owner = 0; owner < this.#owners; owner++) {
      if (this.#gauge(owner, FRONTIER) * BLOCK_BYTES > this.#memory.arenas[owner]!.byteLength) return true;
    }
    return false;
  }

  #gauge(owner: number, word: number): number {
    return this.#gauges[owner * GAUGE_WORDS + word]!;
  }

  #leases(block: number): number {
    return this.#blocks[block * BLOCK_WORDS + LEASES]!;
  }
}
