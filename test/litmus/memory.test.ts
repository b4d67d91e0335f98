/** Real threads that take and give back one memory, some of which are lost: nothing is given twice, everything comes back. */
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BlockAllocator } from '../../native-free-io/memory/block-allocator.ts';
import { BlockTable } from '../../native-free-io/memory/block-table.ts';
import {
  BLOCKS_PER_REGION,
  BLOCK_WORDS,
  CLAIMANT,
  LEASES,
  REGION_BYTES,
  REGION_WORDS,
  type SharedMemory,
  createTables,
} from '../../native-free-io/memory/memory-layout.ts';
import type { MemoryLoad } from './memory-thread.ts';

const THREADS = 3;
const REGIONS = 64;
const HANDS = 160;
const ROUNDS = 60_000;
const LOSSES = 20;
/** A lost thread has at most two messages in its hands. */
const LOST_BLOCKS_MAX = 2 * 97;
const CONTROL_ATTEMPTS = 8;
const FOLDER = new URL('../../native-free-io/memory/', import.meta.url);

type Outcome = { readonly broken: number; readonly full: number };

class Memory {
  readonly memory: SharedMemory = { arenas: [new SharedArrayBuffer(REGIONS * REGION_BYTES)], ...createTables(THREADS, REGIONS) };
  readonly #hands = new SharedArrayBuffer(HANDS * 4);
  readonly #progress = new SharedArrayBuffer(THREADS * 4);
  readonly #sources: string;

  constructor(sources: string) {
    this.#sources = sources;
  }

  start(owner: number, rounds: number, seed: number): { readonly worker: Worker; readonly outcome: Promise<Outcome> } {
    const { memory } = this;
    const workerData: MemoryLoad = { sources: this.#sources, memory, hands: this.#hands, progress: this.#progress, owner, rounds, seed };
    const worker = new Worker(new URL('memory-thread.ts', import.meta.url), { workerData });
    const outcome = once(worker, 'message').then(([message]) => message as Outcome);
    outcome.catch(() => undefined);
    return { worker, outcome };
  }

  progress(owner: number): number {
    return Atomics.load(new Int32Array(this.#progress), owner);
  }

  forgetProgress(owner: number): void {
    Atomics.store(new Int32Array(this.#progress), owner, 0);
  }

  /** Gives back what is in no thread's hands. Answers how many blocks do not come back. */
  empty(): number {
    const table = new BlockTable(this.memory);
    for (const address of new Int32Array(this.#hands)) if (address !== 0) table.release(address);
    table.flushReleases();
    for (let owner = 0; owner < THREADS; owner++) new BlockAllocator(table, owner);
    const claims = table.regions.filter((word, index) => index % REGION_WORDS === CLAIMANT && word !== 0);
    assert.is(claims.length, 0, 'every region is let go');
    const leases = table.blocks.filter((_, index) => index % BLOCK_WORDS === LEASES);
    const left = leases.filter((count) => count !== 0).length - 1;
    const owner = new BlockAllocator(table, 0);
    for (let free = REGIONS * BLOCKS_PER_REGION - 1 - left; free > 0; free--) assert.is.not(owner.allocateBlock(), 0, `${free} blocks are hidden`);
    return left;
  }
}

async function share(sources: string, rounds: number): Promise<{ readonly broken: number; readonly memory: Memory }> {
  const memory = new Memory(sources);
  const threads = Array.from({ length: THREADS }, (_, owner) => memory.start(owner, rounds, 100 + owner));
  const outcomes = await Promise.all(threads.map(({ outcome }) => outcome));
  return { memory, broken: outcomes.reduce((sum, { broken }) => sum + broken, 0) };
}

const litmus = suite('memory of several threads');

litmus('gives nothing twice and gets everything back', async () => {
  const { memory, broken } = await share(FOLDER.href, ROUNDS);
  assert.is(broken, 0, 'messages that were written over');
  assert.is(memory.empty(), 0, 'blocks that do not come back');
});

litmus('loses only what a lost thread had in its hands', async () => {
  const memory = new Memory(FOLDER.href);
  const others = [1, 2].map((owner) => memory.start(owner, ROUNDS, owner));
  for (let loss = 0; loss < LOSSES; loss++) {
    memory.forgetProgress(0);
    const { worker, outcome } = memory.start(0, 1e9, 1000 + loss);
    let hasFailed = false;
    outcome.catch(() => (hasFailed = true));
    const wanted = 50 + loss * 37;
    while (!hasFailed && memory.progress(0) < wanted) await new Promise<void>((resolve) => setImmediate(resolve));
    assert.not.ok(hasFailed, 'the thread ends only when it is told to');
    await worker.terminate();
  }
  const outcomes = await Promise.all(others.map(({ outcome }) => outcome));
  for (const { broken } of outcomes) assert.is(broken, 0, 'messages that were written over');
  const left = memory.empty();
  assert.ok(left <= LOSSES * LOST_BLOCKS_MAX, `${left} blocks do not come back`);
});

litmus('is caught: a region that is claimed whoever has it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'memory-litmus-'));
  try {
    cpSync(FOLDER, folder, { recursive: true });
    const file = join(folder, 'region-pool.ts');
    const [right, wrong] = ['!== 0) return false;', '< 0) return false;'];
    const text = readFileSync(file, 'utf8');
    assert.is(text.split(right).length, 2);
    writeFileSync(file, text.replace(right, wrong));
    // Threads that are kept from running at the same time do no harm to each other.
    let isCaught = false;
    for (let attempt = 0; attempt < CONTROL_ATTEMPTS && !isCaught; attempt++) {
      isCaught = await share(`${pathToFileURL(folder).href}/`, ROUNDS).then(({ broken }) => broken > 0, () => true);
    }
    assert.ok(isCaught);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

litmus.run();
