/** Two owners of shared memory beside a list of what they gave out: no unit twice, everything comes back, nothing is touched in vain. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { BlockAllocator, NO_ADDRESS } from '../../../../native-free-io/memory/block-allocator.ts';
import { BlockTable } from '../../../../native-free-io/memory/block-table.ts';
import {
  BLOCKS_PER_ARENA,
  BLOCK_BYTES,
  BLOCK_SHIFT,
  BLOCK_WORDS,
  FRONTIER,
  GAUGE_WORDS,
  type SharedMemory,
} from '../../../../native-free-io/memory/memory-layout.ts';
import { type Mistake, loadMutant } from '../../support/mutant.ts';

const OWNERS = 2;

/** Block tables without arenas: the allocator never touches the memory itself. */
function tablesOnly(): SharedMemory {
  return {
    arenas: [],
    arenasPerOwner: 1,
    blockTable: new SharedArrayBuffer(OWNERS * BLOCKS_PER_ARENA * BLOCK_WORDS * 4),
    gauges: new SharedArrayBuffer(OWNERS * GAUGE_WORDS * 4),
  };
}

type Allocators = typeof BlockAllocator;
type Given = { readonly address: number; readonly units: number; leases: number; readonly isBlock: boolean };

const step = fc.record({
  type: fc.constantFrom('message', 'message', 'message', 'run', 'block', 'lease', 'release', 'release', 'release', 'replace'),
  owner: fc.nat(OWNERS - 1),
  by: fc.nat(OWNERS - 1),
  sizeBytes: fc.integer({ min: 32, max: BLOCK_BYTES / 4 }),
  blocks: fc.integer({ min: 1, max: 5 }),
  at: fc.nat(1000),
  count: fc.integer({ min: 1, max: 40 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Memory {
  readonly tables: readonly BlockTable[];
  readonly #allocators: Allocators;
  readonly owners: BlockAllocator[];
  given: Given[] = [];
  #usedMax = 0;

  constructor(allocators: Allocators) {
    const shared = tablesOnly();
    this.#allocators = allocators;
    this.tables = Array.from({ length: OWNERS }, () => new BlockTable(shared));
    this.owners = this.tables.map((table, owner) => new allocators(table, owner));
  }

  take({ type, owner, by, sizeBytes, blocks, at, count }: Step): void {
    if (type === 'message') for (let one = 0; one < count; one++) this.#give(owner, sizeBytes, 1 + (one % 3));
    else if (type === 'run') this.#give(owner, blocks * BLOCK_BYTES - (sizeBytes % 1000), 2);
    else if (type === 'block') this.#add(this.owners[owner]!.allocateBlock(), BLOCK_BYTES / 16, 1, true);
    else if (type === 'lease') this.#lease(owner, at);
    else if (type === 'release') for (let one = 0; one < count; one++) this.#release(by, at + one);
    else this.owners[owner] = new this.#allocators(this.tables[owner]!, owner);
    for (const table of this.tables) table.flushReleases();
    this.#usedMax = Math.max(this.#usedMax, this.tables[0]!.usedBytes() / BLOCK_BYTES);
  }

  #give(owner: number, sizeBytes: number, leases: number): void {
    this.#add(this.owners[owner]!.allocate(sizeBytes, leases), Math.ceil(sizeBytes / 16), leases, false);
  }

  #add(address: number, units: number, leases: number, isBlock: boolean): void {
    assert.is.not(address, NO_ADDRESS);
    const first = address >>> 0;
    for (const each of this.given) {
      const other = each.address >>> 0;
      assert.ok(first + units <= other || other + each.units <= first, `${first} is given twice`);
    }
    this.given.push({ address, units, leases, isBlock });
  }

  #lease(owner: number, at: number): void {
    const mine = this.given.filter(({ address, isBlock }) => !isBlock && (address >>> BLOCK_SHIFT >= BLOCKS_PER_ARENA ? 1 : 0) === owner);
    const message = mine[at % Math.max(mine.length, 1)];
    if (message === undefined) return;
    this.owners[owner]!.lease(message.address, 2);
    this.tables[owner]!.hold(message.address);
    message.leases += 3;
  }

  #release(by: number, at: number): void {
    const message = this.given[at % Math.max(this.given.length, 1)];
    if (message === undefined) return;
    if (message.isBlock) this.tables[by]!.freeBlock(message.address);
    else this.tables[by]!.release(message.address);
    if (--message.leases === 0) this.given = this.given.filter((each) => each !== message);
  }

  check(): void {
    const { blocks, gauges } = this.tables[0]!;
    for (const { address } of this.given) assert.ok(blocks[(address >>> BLOCK_SHIFT) * BLOCK_WORDS]! > 0, 'what is given has a lease');
    const held = new Set(this.given.flatMap(({ address, units }) => Array.from({ length: Math.ceil(units / 1024) }, (_, block) => (address >>> BLOCK_SHIFT) + block)));
    const used = this.tables[0]!.usedBytes() / BLOCK_BYTES;
    assert.ok(used >= held.size && used <= held.size + OWNERS, `${used} blocks are used, ${held.size} are held`);
    const frontiers = [0, 1].reduce((sum, owner) => sum + gauges[owner * GAUGE_WORDS + FRONTIER]! - 1, 0);
    // Runs leave gaps that only smaller ones fit into.
    assert.ok(frontiers <= this.#usedMax * 2 + 12, `${frontiers} blocks are touched, ${this.#usedMax} were needed`);
  }

  finish(): void {
    while (this.given.length > 0) this.#release(0, 0);
    for (const table of this.tables) table.flushReleases();
    this.check();
    // A new owner closes the block that the last one left open.
    for (const [owner, table] of this.tables.entries()) new this.#allocators(table, owner);
    assert.is(this.tables[0]!.usedBytes(), 0, 'everything comes back');
    assert.ok(this.tables[0]!.blocks.every((word, index) => index % BLOCK_WORDS !== 0 || word === 0), 'every block is free');
  }
}

function histories(allocators: Allocators) {
  return fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
    const memory = new Memory(allocators);
    for (const each of steps) {
      memory.take(each);
      memory.check();
    }
    memory.finish();
  });
}

const allocator = suite('block allocator');

allocator('gives nothing twice and gets everything back', () => {
  fc.assert(histories(BlockAllocator), { numRuns: 150, includeErrorInReport: true });
});

const FILE = new URL('../../../../native-free-io/memory/block-allocator.ts', import.meta.url);
const MISTAKES: Readonly<Record<string, Mistake>> = {
  'an open block counts one lease for each message': { right: 'this.#table.gauges[this.#gauge + OPEN_GRANTED]! += leases;\n    return', wrong: 'this.#table.gauges[this.#gauge + OPEN_GRANTED]! += 1;\n    return' },
  'an open block may become free': { right: 'LEASES, OPEN_BIAS);', wrong: 'LEASES, OPEN_BIAS - OPEN_BIAS);' },
  'a new owner leaves the open block': { right: '    this.#closeInheritedBlock();\n', wrong: '' },
  'a run holds its first block alone': { right: 'LEASES, 1);\n    }\n    blocks', wrong: 'LEASES, 0);\n    }\n    blocks' },
};

for (const [name, mistake] of Object.entries(MISTAKES)) {
  allocator(`finds that ${name}`, async () => {
    const { BlockAllocator: broken } = (await loadMutant(FILE, mistake)) as { readonly BlockAllocator: Allocators };
    assert.ok(fc.check(histories(broken), { numRuns: 300, endOnFailure: true }).failed);
  });
}

/** Blocks that were touched while a few are taken and given back again and again. */
function touchedByChurn(allocators: Allocators): number {
  const table = new BlockTable(tablesOnly());
  const owner = new allocators(table, 0);
  const held: number[] = [];
  for (let round = 0; round < 3000; round++) {
    held.push(owner.allocateBlock());
    if (held.length > 100) table.freeBlock(held.splice((round * 37) % 100, 1)[0]!);
  }
  return table.gauges[FRONTIER]!;
}

allocator('touches little more than it needs', async () => {
  assert.ok(touchedByChurn(BlockAllocator) <= 108, `${touchedByChurn(BlockAllocator)} blocks for 101`);
  const mistake = { right: 'free * SEARCH_RATIO < frontier && ', wrong: '' };
  const { BlockAllocator: broken } = (await loadMutant(FILE, mistake)) as { readonly BlockAllocator: Allocators };
  assert.ok(touchedByChurn(broken) > 1000);
});

allocator('finds room for a run wherever it is, when all memory was used once', () => {
  const table = new BlockTable(tablesOnly());
  const owner = new BlockAllocator(table, 0);
  const blocks = Array.from({ length: BLOCKS_PER_ARENA - 1 }, () => owner.allocateBlock());
  assert.is(owner.allocateBlock(), NO_ADDRESS);
  for (const block of blocks.slice(30_000, 30_020)) table.freeBlock(block);
  assert.is(owner.allocate(10 * BLOCK_BYTES, 1), blocks[30_000]);
  assert.is(owner.allocate(11 * BLOCK_BYTES, 1), NO_ADDRESS);
});

allocator.run();
