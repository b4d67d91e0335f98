/**
 * Owners of shared memory beside a list of what they gave out, and threads that are lost before any change of a shared word:
 * no unit twice, everything comes back but what a loss may cost, nothing is touched in vain.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { BlockAllocator, NO_ADDRESS } from '../../../../native-free-io/memory/block-allocator.ts';
import { BlockTable } from '../../../../native-free-io/memory/block-table.ts';
import { BLOCKS_PER_REGION, BLOCK_BYTES, createTables } from '../../../../native-free-io/memory/memory-layout.ts';
import type { SourceChange } from '../../../support/source-change.ts';
import { type MemoryCopy, loadMemory } from '../../support/memory-copy.ts';
import { MemoryWorld, OWNERS, memorySteps } from '../../support/memory-world.ts';

const RUNS = 150;
const CONTROL_RUNS = 1500;

function histories(copy: MemoryCopy) {
  return fc.property(memorySteps, (steps) => {
    const world = new MemoryWorld(copy);
    for (const each of steps) {
      world.take(each);
      world.check();
    }
    world.finish();
  });
}

const allocator = suite('block allocator');

allocator('gives nothing twice and gets everything back, whoever is lost', async () => {
  fc.assert(histories(await loadMemory()), { numRuns: RUNS, includeErrorInReport: true });
});

const MISTAKES: Readonly<Record<string, SourceChange>> = {
  'an open block counts one lease for each message': {
    file: 'block-allocator.ts', right: 'OPEN_GRANTED]! += leases;\n    return', wrong: 'OPEN_GRANTED]! += 1;\n    return',
  },
  'an open block may become free': { file: 'block-allocator.ts', right: 'LEASES, OPEN_BIAS);', wrong: 'LEASES, OPEN_BIAS - OPEN_BIAS);' },
  'a new owner leaves the open block': { file: 'block-allocator.ts', right: '    this.#closeInheritedBlock();\n', wrong: '' },
  'a new owner closes a block that is closed': { file: 'block-allocator.ts', right: '    if (open) this', wrong: '    this' },
  'a new owner forgets the run in progress': { file: 'block-allocator.ts', right: '    this.#dropInheritedRun();\n', wrong: '' },
  'a new owner keeps what the old one had claimed': { file: 'block-allocator.ts', right: '    this.#pool.recover();\n', wrong: '' },
  'a run is over before its regions are let go': {
    file: 'block-allocator.ts', right: '      this.#hold(search.keepLast());\n', wrong: '      this.#table.gauges[this.#gauge + RUN_FIRST] = 0;\n      this.#hold(search.keepLast());\n',
  },
  'a run holds its first block alone': { file: 'block-allocator.ts', right: 'blocks[follower * BLOCK_WORDS + LEASES] = 1;', wrong: 'blocks[follower * BLOCK_WORDS + LEASES] = 0;' },
  'a run is free from its first block on': {
    file: 'block-table.ts', right: '    // Nobody else has a lease, so nobody', wrong: '    Atomics.store(blocks, word, 0);\n    // Nobody else has a lease, so nobody',
  },
  'a region is let go without a count': { file: 'region-pool.ts', right: '    this.startCount(region);\n    this.#countFree(region);\n', wrong: '    this.startCount(region);\n' },
  'regions of a search stay claimed': { file: 'run-search.ts', right: '    this.#letGoBefore(last);\n', wrong: '' },
  'neighbours are taken for a row whatever lies between': { file: 'run-search.ts', right: 'region !== this.#end || ', wrong: '' },
};

for (const [name, mistake] of Object.entries(MISTAKES)) {
  allocator(`finds that ${name}`, async () => {
    assert.ok(fc.check(histories(await loadMemory([mistake])), { numRuns: CONTROL_RUNS, endOnFailure: true }).failed);
  });
}

function tableOf(regions: number, Table = BlockTable): BlockTable {
  return new Table({ arenas: [], ...createTables(OWNERS, regions) });
}

allocator('touches little more than it needs, whoever takes and gives back', () => {
  const table = tableOf(1024);
  const owners = Array.from({ length: OWNERS }, (_, owner) => new BlockAllocator(table, owner));
  const held: number[] = [];
  for (let round = 0; round < 30_000; round++) {
    held.push(owners[Math.floor(round / 1000) % OWNERS]!.allocateBlock());
    if (held.length > 2000) table.freeBlock(held.splice((round * 37) % 2000, 1)[0]!);
  }
  const allowed = 2001 * (1 + 1 / 16) + OWNERS * BLOCKS_PER_REGION;
  assert.ok(table.claimedBlocks() <= allowed, `${table.claimedBlocks()} blocks for 2,001`);
});

/** Blocks that were touched when each owner in turn has filled and emptied 3,000. */
function touchedInTurns({ BlockAllocator: Allocator, BlockTable: Table }: MemoryCopy): number {
  const table = tableOf(1024, Table);
  const owners = Array.from({ length: OWNERS }, (_, owner) => new Allocator(table, owner));
  for (const owner of owners) {
    const blocks = Array.from({ length: 3000 }, () => owner.allocateBlock());
    for (const block of blocks) table.freeBlock(block);
  }
  return table.claimedBlocks();
}

allocator('gives what one owner has filled and emptied to the next', async () => {
  const allowed = 3000 * (1 + 1 / 32) + (OWNERS + 1) * BLOCKS_PER_REGION;
  assert.ok(touchedInTurns({ BlockAllocator, BlockTable }) <= allowed);
  const mistake = { file: 'block-table.ts', right: 'FREED_HERE, next - first);', wrong: 'FREED_HERE, 0);' };
  assert.ok(touchedInTurns(await loadMemory([mistake])) > 2 * allowed);
});

allocator('finds room for a run wherever it is, when all memory was used once', () => {
  const table = tableOf(1024);
  const owner = new BlockAllocator(table, 0);
  const blocks = Array.from({ length: 1024 * BLOCKS_PER_REGION - 1 }, () => owner.allocateBlock());
  assert.is(owner.allocateBlock(), NO_ADDRESS);
  for (const block of blocks.slice(30_000, 30_120)) table.freeBlock(block);
  assert.is(owner.allocate(121 * BLOCK_BYTES, 1), NO_ADDRESS);
  assert.is(owner.allocate(120 * BLOCK_BYTES, 1), blocks[30_000]);
  assert.is(owner.allocateBlock(), NO_ADDRESS);
});

allocator('keeps a run within one arena', () => {
  const table = tableOf(2048);
  const owner = new BlockAllocator(table, 0);
  const starts = Array.from({ length: 14 }, () => owner.allocate(9000 * BLOCK_BYTES, 1) >>> 10);
  assert.ok(starts.every((start) => start >>> 16 === (start + 8999) >>> 16), String(starts));
  assert.is(owner.allocate(9000 * BLOCK_BYTES, 1), NO_ADDRESS);
  // What was skipped at the end of the first arena is there for smaller ones.
  assert.is.not(owner.allocate(2000 * BLOCK_BYTES, 1), NO_ADDRESS);
});

allocator.run();
