/** What must be true of shared memory whatever happened, and a way to make use after release visible. */
import {
  BLOCK_BYTES,
  BLOCKS_PER_REGION,
  BLOCK_WORDS,
  FREED,
  FRONTIER,
  GAUGE_WORDS,
  LEASES,
  OPEN_BIAS,
  OPEN_BLOCK,
  OPEN_GRANTED,
  type SharedMemory,
  TAKEN,
  gaugeOf,
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
    this.#owners = this.#gauges.length / GAUGE_WORDS - 1;
  }

  /** Blocks that were touched, or may be. */
  get #touched(): number {
    return this.#gauges[FRONTIER]! * BLOCKS_PER_REGION;
  }

  /** Writes over every block that nobody holds, so that whoever still reads it reads nonsense. */
  poison(): void {
    const bytes = Buffer.from(this.#memory.arenas[0]!);
    for (let block = 1; block < this.#touched; block++) {
      if (this.#leases(block) !== 0) this.#poisoned.delete(block);
      else if (!this.#poisoned.has(block)) {
        bytes.fill(POISON, block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
        this.#poisoned.add(block);
      }
    }
  }

  /** Blocks that are held although nothing is anywhere, and leases in the blocks that threads write into; as sentences. */
  *leaks(): Iterable<string> {
    const open = new Set<number>();
    let used = -this.#gauges[FREED]!;
    for (let owner = 0; owner < this.#owners; owner++) {
      used += this.#gauge(owner, TAKEN);
      const block = this.#gauge(owner, OPEN_BLOCK) - 1;
      if (block < 0) continue;
      open.add(block);
      const held = this.#gauge(owner, OPEN_GRANTED) - (OPEN_BIAS - this.#leases(block));
      if (held !== 0) yield `the open block of thread ${owner + 1} has ${held} leases`;
    }
    if ((used | 0) !== open.size) yield `${used | 0} blocks count as used, ${open.size} are open`;
    for (let block = 1; block < this.#touched; block++) {
      if (!open.has(block) && this.#leases(block) !== 0) yield `block ${block} has ${this.#leases(block)} leases`;
    }
  }

  /** The arena of a simulation is short. */
  get exhausted(): boolean {
    return this.#touched * BLOCK_BYTES >= this.#memory.arenas[0]!.byteLength;
  }

  #gauge(owner: number, word: number): number {
    return this.#gauges[gaugeOf(owner) + word]!;
  }

  #leases(block: number): number {
    return this.#blocks[block * BLOCK_WORDS + LEASES]!;
  }
}
