/** Shared memory under test beside a list of what was given out: each step is taken by both, and some steps lose their thread. */
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { BlockAllocator } from '../../../native-free-io/memory/block-allocator.ts';
import { BlockTable } from '../../../native-free-io/memory/block-table.ts';
import {
  BLOCKS_PER_REGION,
  BLOCK_BYTES,
  BLOCK_SHIFT,
  BLOCK_WORDS,
  CLAIMANT,
  LEASES,
  REGION_WORDS,
  UNITS_PER_BLOCK,
  createTables,
} from '../../../native-free-io/memory/memory-layout.ts';
import { Loss, lightFuse, quench } from './fused-words.ts';
import type { MemoryCopy } from './memory-copy.ts';

export const OWNERS = 3;
const REGIONS = 100;

type Given = { readonly address: number; readonly units: number; leases: number; readonly isBlock: boolean };

const step = fc.record({
  type: fc.constantFrom('message', 'message', 'message', 'run', 'run', 'block', 'lease', 'release', 'release', 'release', 'replace'),
  owner: fc.nat(OWNERS - 1),
  sizeBytes: fc.integer({ min: 32, max: BLOCK_BYTES / 4 }),
  blocks: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 80 })),
  at: fc.nat(1000),
  count: fc.integer({ min: 1, max: 40 }),
  /** Changes until the thread is lost, and until its replacement is lost as well. */
  fuse: fc.oneof({ weight: 2, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(60) }),
  again: fc.oneof({ weight: 2, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(20) }),
});
export type MemoryStep = typeof step extends fc.Arbitrary<infer T> ? T : never;
export const memorySteps = fc.array(step, { maxLength: 40, size: 'max' });

export class MemoryWorld {
  readonly #copy: MemoryCopy;
  readonly #shared = { arenas: [], ...createTables(OWNERS, REGIONS) };
  /** The same words, past the fuse. */
  readonly #plain = new BlockTable(this.#shared);
  readonly #tables: BlockTable[] = [];
  readonly #owners: BlockAllocator[] = [];
  /** Owners that have taken something, and so hold a region. */
  readonly #holders = new Set<number>();
  #given: Given[] = [];
  #usedMax = 0;
  /** Blocks that losses may have left with a lease, and by how much the count of used blocks may be too high. */
  #lost = 0;
  #overcount = 0;
  /** How many blocks that were lost may not be counted. */
  #undercount = 0;
  #losses = 0;

  constructor(copy: MemoryCopy) {
    this.#copy = copy;
    for (let owner = 0; owner < OWNERS; owner++) this.#start(owner);
  }

  #start(owner: number): void {
    this.#holders.delete(owner);
    this.#tables[owner] = new this.#copy.BlockTable(this.#shared);
    this.#owners[owner] = new this.#copy.BlockAllocator(this.#tables[owner], owner);
  }

  /** Does `act` on the owner's thread. Answers false when the thread was lost; then, after `look`, a replacement runs. */
  #try(owner: number, again: number, act: () => void, look?: () => void): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (!(error instanceof Loss)) throw error;
    }
    this.#losses++;
    look?.();
    lightFuse(again);
    for (let started = false; !started; ) {
      try {
        this.#start(owner);
        started = true;
      } catch (error) {
        if (!(error instanceof Loss)) throw error;
        // A run that was being dropped is free but for one block, and a block that was being closed counts as used.
        this.#lose(1, 1);
        this.#undercount++;
      }
    }
    return false;
  }

  #lose(blocks: number, overcount: number): void {
    this.#lost += blocks;
    this.#overcount += overcount;
  }

  take({ type, owner, sizeBytes, blocks, at, count, fuse, again }: MemoryStep): void {
    lightFuse(fuse);
    if (type === 'message') for (let one = 0; one < count; one++) this.#give(owner, sizeBytes, 1 + (one % 3), again);
    else if (type === 'run') this.#give(owner, blocks * BLOCK_BYTES - (sizeBytes % 1000), 2, again);
    else if (type === 'block') this.#giveBlock(owner, again);
    else if (type === 'lease') this.#lease(owner, at);
    else if (type === 'release') for (let one = 0; one < count; one++) this.#release(owner, at + one, again);
    else if (!this.#try(owner, again, () => this.#start(owner))) this.#lose(1, 1);
    quench();
    this.#usedMax = Math.max(this.#usedMax, this.#plain.usedBlocks());
  }

  #give(owner: number, sizeBytes: number, leases: number, again: number): void {
    let address = 0;
    if (this.#try(owner, again, () => (address = this.#owners[owner]!.allocate(sizeBytes, leases)))) {
      this.#holders.add(owner);
      this.#add(address, Math.ceil(sizeBytes / 16), leases, false);
    } else this.#lose(0, 2);
  }

  #giveBlock(owner: number, again: number): void {
    let address = 0;
    if (this.#try(owner, again, () => (address = this.#owners[owner]!.allocateBlock()))) {
      this.#holders.add(owner);
      this.#add(address, UNITS_PER_BLOCK, 1, true);
    } else this.#lose(0, 1);
  }

  #add(address: number, units: number, leases: number, isBlock: boolean): void {
    assert.is.not(address, 0, 'there is room');
    const first = address >>> 0;
    for (const each of this.#given) {
      const other = each.address >>> 0;
      assert.ok(first + units <= other || other + each.units <= first, `${first} is given twice`);
    }
    this.#given.push({ address, units, leases, isBlock });
  }

  #lease(owner: number, at: number): void {
    quench();
    const messages = this.#given.filter(({ isBlock }) => !isBlock);
    const message = messages[at % Math.max(messages.length, 1)];
    if (message === undefined) return;
    this.#owners[owner]!.lease(message.address, 2);
    this.#tables[owner]!.hold(message.address);
    message.leases += 3;
  }

  #release(owner: number, at: number, again: number): void {
    const message = this.#given[at % Math.max(this.#given.length, 1)];
    if (message === undefined) return;
    const { address, isBlock, units } = message;
    const table = this.#tables[owner]!;
    const before = this.#leasesOf(address);
    let after = 0;
    const release = (): void => {
      if (isBlock) table.freeBlock(address);
      else table.release(address);
      table.flushReleases();
    };
    const done = this.#try(owner, again, release, () => (after = this.#leasesOf(address)));
    const isLast = message.leases === 1;
    if (!done && !isLast && after === before) return;
    if (--message.leases === 0) this.#given = this.#given.filter((each) => each !== message);
    if (done) return;
    // A message whose last lease is in a lost hand stays, whole or in part; one whose first block is free is free.
    const blocks = Math.ceil(units / UNITS_PER_BLOCK);
    this.#lose(after === before ? blocks : 0, blocks);
  }

  #leasesOf(address: number): number {
    return this.#plain.blocks[(address >>> BLOCK_SHIFT) * BLOCK_WORDS + LEASES]!;
  }

  check(): void {
    this.#checkUse();
    const claims = this.#plain.regions.filter((_, index) => index % REGION_WORDS === CLAIMANT);
    for (let owner = 0; owner < OWNERS; owner++) {
      const count = claims.filter((claimant) => claimant === owner + 1).length;
      assert.is(count, this.#holders.has(owner) ? 1 : 0, `regions that owner ${owner} holds`);
    }
  }

  #checkUse(): void {
    for (const { address } of this.#given) assert.ok(this.#leasesOf(address) > 0, 'what is given has a lease');
    const held = new Set<number>();
    for (const { address, units } of this.#given) {
      for (let unit = 0; unit < units; unit += UNITS_PER_BLOCK) held.add((address >>> BLOCK_SHIFT) + unit / UNITS_PER_BLOCK);
    }
    const used = this.#plain.usedBlocks();
    const most = held.size + OWNERS + this.#lost + this.#overcount;
    assert.ok(used >= held.size - this.#undercount && used <= most, `${used} blocks count as used, ${held.size} are held`);
    const touched = this.#plain.claimedBlocks();
    // Runs leave gaps that only smaller ones fit into; each owner holds a region, and keeps others from using the neighbours as
    // one; and a loss may cost a region for a while.
    const allowed = this.#usedMax * 2 + (2 * OWNERS + this.#losses) * BLOCKS_PER_REGION;
    assert.ok(touched <= allowed, `${touched} blocks are touched, ${this.#usedMax} were needed`);
  }

  finish(): void {
    while (this.#given.length > 0) this.#release(0, 0, -1);
    this.check();
    // A new owner closes the block that the last one left open, and holds no region yet.
    for (let owner = 0; owner < OWNERS; owner++) this.#start(owner);
    const { blocks, regions } = this.#plain;
    let left = 0;
    for (let block = 1; block < REGIONS * BLOCKS_PER_REGION; block++) if (blocks[block * BLOCK_WORDS + LEASES] !== 0) left++;
    assert.ok(left <= this.#lost, `${left} blocks do not come back, ${this.#lost} may be lost`);
    const used = this.#plain.usedBlocks();
    assert.ok(used >= left - this.#undercount && used <= left + this.#overcount, `${used} blocks count as used, ${left} are`);
    assert.ok(regions.every((word, index) => index % REGION_WORDS !== CLAIMANT || word === 0), 'every region is let go');
    this.#checkNothingHidden();
  }

  /** What is free can be had: nothing has been forgotten in a region where nobody looks. */
  #checkNothingHidden(): void {
    const [owner] = this.#owners;
    const touched = this.#plain.claimedBlocks();
    let free = 0;
    for (let block = 1; block < REGIONS * BLOCKS_PER_REGION; block++) if (this.#plain.blocks[block * BLOCK_WORDS + LEASES] === 0) free++;
    for (; free > 0; free--) assert.is.not(owner!.allocateBlock(), 0, `${free} of ${touched} blocks are hidden`);
    assert.is(owner!.allocateBlock(), 0, 'no block is there twice');
  }
}
