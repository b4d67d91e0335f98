/** A thread of the memory litmus: takes messages of all sizes, stamps them, passes them on, and gives back what others took. */
import { parentPort, workerData } from 'node:worker_threads';
import type * as AllocatorModule from '../../native-free-io/memory/block-allocator.ts';
import type * as TableModule from '../../native-free-io/memory/block-table.ts';
import { type SharedMemory, UNIT_BYTES } from '../../native-free-io/memory/memory-layout.ts';
import { SeededRandom } from '../support/seeded-random.ts';

export type MemoryLoad = {
  /** Folder of the allocator's sources, as a URL that ends in a slash. */
  readonly sources: string;
  readonly memory: SharedMemory;
  /** Addresses that pass from hand to hand. */
  readonly hands: SharedArrayBuffer;
  /** Rounds done, one word an owner. */
  readonly progress: SharedArrayBuffer;
  readonly owner: number;
  readonly rounds: number;
  readonly seed: number;
};

/** A message carries its stamp in the first unit of every so many. */
const STAMP_UNITS = 1024;

const load = workerData as MemoryLoad;
const { BlockAllocator } = (await import(`${load.sources}block-allocator.ts`)) as typeof AllocatorModule;
const { BlockTable } = (await import(`${load.sources}block-table.ts`)) as typeof TableModule;
const table = new BlockTable(load.memory);
const allocator = new BlockAllocator(table, load.owner);
const ints = table.ints[0]!;
const hands = new Int32Array(load.hands);
const progress = new Int32Array(load.progress);
const random = new SeededRandom(load.seed);

function sizeBytes(): number {
  const kind = random.below(10);
  if (kind < 7) return 32 + random.below(4000);
  return kind < 9 ? 4096 + random.below(60_000) : 65_536 + random.below(1_500_000);
}

function stamp(address: number, units: number, id: number): void {
  for (let unit = 0; unit < units; unit += STAMP_UNITS) {
    ints[(address + unit) * 4] = units;
    ints[(address + unit) * 4 + 1] = id;
  }
  ints[(address + units) * 4 - 1] = id;
}

function isWhole(address: number): boolean {
  const units = ints[address * 4]!;
  const id = ints[address * 4 + 1]!;
  for (let unit = 0; unit < units; unit += STAMP_UNITS) {
    if (ints[(address + unit) * 4] !== units || ints[(address + unit) * 4 + 1] !== id) return false;
  }
  return ints[(address + units) * 4 - 1] === id;
}

let broken = 0;
let full = 0;
for (let round = 1; round <= load.rounds; round++) {
  const size = sizeBytes();
  const address = allocator.allocate(size, 1);
  if (address === 0) full++;
  else stamp(address, Math.ceil(size / UNIT_BYTES), (load.owner << 24) | round);
  const passed = Atomics.exchange(hands, random.below(hands.length), address);
  if (passed !== 0) {
    if (!isWhole(passed)) broken++;
    table.release(passed);
    table.flushReleases();
  }
  Atomics.store(progress, load.owner, round);
}
parentPort!.postMessage({ broken, full });
