import type { BlockTable } from './block-table.ts';
import {
  BLOCKS_PER_REGION,
  BLOCK_WORDS,
  CLAIMANT,
  FREED_HERE,
  FRONTIER,
  LEASES,
  REGIONS_PER_ARENA,
  REGION_WORDS,
} from './memory-layout.ts';

/**
 * While fewer than one block in this many is free below the frontier, the frontier moves instead of a search: a search
 * then looks at this many blocks on average.
 */
const SEARCH_RATIO = 32;

/**
 * The regions of shared memory, as one owner sees them: it claims those from which it takes blocks, and lets them go.
 *
 * Regions that were claimed before come before new ones, so that the touched memory stays as small as the contents of all
 * owners together ever were. No lock, no list: FREED_HERE says where something may be free, and may say too much.
 */
export class RegionPool {
  readonly #table: BlockTable;
  readonly #regions: Int32Array;
  readonly #count: number;
  readonly #claimant: number;
  /** Where the next search begins. */
  cursor = 0;

  constructor(table: BlockTable, owner: number) {
    this.#table = table;
    this.#regions = table.regions;
    this.#count = table.regions.length / REGION_WORDS;
    this.#claimant = owner + 1;
  }

  /** Regions that were ever claimed; new ones begin here. */
  get frontier(): number {
    return Atomics.load(this.#table.gauges, FRONTIER);
  }

  /** At least so many blocks became free in the region since it was claimed. */
  freedIn(region: number): number {
    return this.#regions[region * REGION_WORDS + FREED_HERE]!;
  }

  /** Claims the region. Answers false when somebody has it. */
  claim(region: number): boolean {
    const word = region * REGION_WORDS;
    if (Atomics.compareExchange(this.#regions, word + CLAIMANT, 0, this.#claimant) !== 0) return false;
    this.startCount(region);
    return true;
  }

  /** FREED_HERE counts from now on. What was counted before is free by now: the claimant will see it. */
  startCount(region: number): void {
    Atomics.store(this.#regions, region * REGION_WORDS + FREED_HERE, 0);
  }

  /** Ends a claim. What is free in the region is everybody's. */
  letGo(region: number): void {
    this.startCount(region);
    this.#countFree(region);
    Atomics.store(this.#regions, region * REGION_WORDS + CLAIMANT, 0);
  }

  #countFree(region: number): void {
    const { blocks } = this.#table;
    const end = (region + 1) * BLOCKS_PER_REGION;
    let free = 0;
    for (let block = end - BLOCKS_PER_REGION; block < end; block++) if (blocks[block * BLOCK_WORDS + LEASES] === 0) free++;
    if (free > 0) Atomics.add(this.#regions, region * REGION_WORDS + FREED_HERE, free);
  }

  /** Claims a region in which something may be free. Answers its number, or -1 when there is none. */
  claimNext(): number {
    const touched = this.#table.claimedBlocks();
    const worth = (touched - this.#table.usedBlocks()) * SEARCH_RATIO >= touched;
    const found = worth ? this.#claimFreed() : -1;
    if (found >= 0) return found;
    const fresh = this.claimFresh(1);
    return fresh >= 0 || worth ? fresh : this.#claimFreed();
  }

  #claimFreed(): number {
    const { frontier } = this;
    let region = this.cursor;
    for (let looked = 0; looked < frontier; looked++, region++) {
      if (region >= frontier) region = 0;
      if (this.freedIn(region) > 0 && this.claim(region)) {
        this.cursor = region + 1;
        return region;
      }
    }
    return -1;
  }

  /**
   * Claims `count` new regions in a row, in one arena. Answers the first, or -1 when there are not so many. Until they are
   * claimed, nobody looks at them: nothing was freed there. If their thread ends first, `recover` finds them.
   */
  claimFresh(count: number): number {
    for (;;) {
      const { frontier } = this;
      const fits = (frontier % REGIONS_PER_ARENA) + count <= REGIONS_PER_ARENA;
      const first = fits ? frontier : Math.ceil(frontier / REGIONS_PER_ARENA) * REGIONS_PER_ARENA;
      if (first + count > this.#count) return -1;
      if (Atomics.compareExchange(this.#table.gauges, FRONTIER, frontier, first + count) !== frontier) continue;
      for (let skipped = frontier; skipped < first; skipped++) this.#countFree(skipped);
      let claimed = 0;
      while (claimed < count && this.claim(first + claimed)) claimed++;
      if (claimed === count) return first;
      // Somebody's `recover` has found one of them first, and somebody has claimed that one.
      for (let region = first; region < first + claimed; region++) this.letGo(region);
      for (let region = first + claimed; region < first + count; region++) this.#countFree(region);
    }
  }

  /** Lets go of what an earlier thread of this owner had claimed, and counts what threads that ended have left uncounted. */
  recover(): void {
    const { frontier } = this;
    for (let region = 0; region < frontier; region++) {
      if (Atomics.load(this.#regions, region * REGION_WORDS + CLAIMANT) === this.#claimant) this.letGo(region);
      else if (this.freedIn(region) === 0) this.#countFree(region);
    }
  }
}
