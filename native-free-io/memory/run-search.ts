import type { BlockTable } from './block-table.ts';
import { BLOCKS_PER_REGION, BLOCK_WORDS, LEASES, REGIONS_PER_ARENA, REGION_SHIFT } from './memory-layout.ts';
import type { RegionPool } from './region-pool.ts';

/** The regions that are looked at and claimed for a run before new ones are. */
const NEAR_REGIONS = 1024;
const NEAR_CLAIMS = 8;

/**
 * The search for free blocks in a row, over one region or several neighbours.
 *
 * ```
 *   region            region            region
 *  |x.x..xx.........|................|......xx.xxx....|
 *           `------------- run -------------'
 *   `-- first claimed                   end claimed --'
 * ```
 *
 * All regions of the run stay claimed until the run is marked as taken: `keepLast` then lets go of all but one.
 */
export class RunSearch {
  readonly #table: BlockTable;
  readonly #pool: RegionPool;
  readonly #run: number;
  /** The region that the owner holds anyway, or -1. */
  readonly #held: number;
  #first = 0;
  #end = 0;
  /** Free blocks in a row at the end of the claimed regions. */
  #found = 0;

  constructor(table: BlockTable, pool: RegionPool, run: number, held: number) {
    this.#table = table;
    this.#pool = pool;
    this.#run = run;
    this.#held = held;
  }

  /** Answers the first block of a run, or -1 when there is none; then nothing is claimed but what was held before. */
  find(): number {
    const near = this.#lookAround(Math.min(this.#pool.frontier, NEAR_REGIONS), NEAR_CLAIMS, Math.min(this.#run, BLOCKS_PER_REGION) >> 1);
    if (near >= 0) return near;
    const fresh = this.#growInto();
    // The frontier has nowhere to go: what is free lies below it, wherever that is.
    return fresh >= 0 ? fresh : this.#lookAround(2 * this.#pool.frontier, Infinity, 1);
  }

  /** The run is taken: the claims end, but for the last region, which the owner holds from now on. Answers that one. */
  keepLast(): number {
    const last = this.#end - 1;
    if (this.#held >= 0 && this.#held !== last) this.#pool.letGo(this.#held);
    this.#letGoBefore(last);
    return last;
  }

  /** Looks at `regions` regions, and into at most `claims` of those in which `least` blocks became free. */
  #lookAround(regions: number, claims: number, least: number): number {
    const { frontier } = this.#pool;
    let region = this.#pool.cursor;
    let start = -1;
    for (let looked = 0; looked < regions && claims > 0 && start < 0; looked++, region++) {
      if (region >= frontier) region = 0;
      const wanted = this.#found > 0 ? 1 : least;
      if (region === this.#held) start = this.#add(region);
      else if (this.#pool.freedIn(region) >= wanted && this.#pool.claim(region)) {
        claims--;
        start = this.#add(region);
      } else this.#clear();
    }
    this.#pool.cursor = start < 0 ? region : region - 1;
    if (start < 0) this.#clear();
    return start;
  }

  /** Claims new regions, behind the one that is held when that is the last. */
  #growInto(): number {
    if (this.#held >= 0 && this.#held === this.#pool.frontier - 1) this.#add(this.#held);
    for (;;) {
      const count = Math.ceil((this.#run - this.#found) / BLOCKS_PER_REGION);
      const first = this.#pool.claimFresh(count);
      if (first < 0) {
        this.#clear();
        return -1;
      }
      let start = -1;
      for (let region = first; region < first + count; region++) start = this.#add(region);
      if (start >= 0) return start;
    }
  }

  /** Looks at the blocks of a claimed region. Answers the first block of a run that ends in it, or -1. */
  #add(region: number): number {
    // A run lies within one arena: its bytes are contiguous only there.
    if (region !== this.#end || region % REGIONS_PER_ARENA === 0) {
      this.#clear();
      this.#first = region;
    }
    this.#end = region + 1;
    const { blocks } = this.#table;
    const end = this.#end * BLOCKS_PER_REGION;
    for (let block = end - BLOCKS_PER_REGION; block < end; block++) {
      if (blocks[block * BLOCK_WORDS + LEASES] !== 0) this.#found = 0;
      else if (++this.#found === this.#run) {
        const start = block - this.#run + 1;
        this.#letGoBefore(start >>> REGION_SHIFT);
        return start;
      }
    }
    this.#letGoBefore((end - this.#found) >>> REGION_SHIFT);
    return -1;
  }

  #clear(): void {
    this.#letGoBefore(this.#end);
    this.#found = 0;
  }

  #letGoBefore(end: number): void {
    for (; this.#first < end; this.#first++) if (this.#first !== this.#held) this.#pool.letGo(this.#first);
  }
}
