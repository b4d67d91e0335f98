/**
 * A queue's memory that may crash the one who uses it, before any single change, and that counts what it lends: every message
 * and every chunk is released once, and nothing is read that is not lent.
 */
import { ENTRY_WORDS, SLOT_WORDS } from '../../../src/broker/queue/ledger-layout.ts';
import type { QueueMemory } from '../../../src/broker/queue/queue-memory.ts';

/** The crash that was asked for. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

const CHUNK_STEP = 1024;
/** What stands at address 0. */
const ZEROS = new Proxy(new Int32Array(0), {
  get: (_, key) => (Number.isInteger(Number(String(key))) ? 0 : undefined),
  set: (_, key) => {
    throw new Error(`word ${String(key)} at address 0 is written`);
  },
});
/** Chunk addresses begin where they are negative numbers: nothing may take an address for a count. */
const FIRST_CHUNK_ADDRESS = -(2 ** 30);

export class CrashingMemory implements QueueMemory {
  readonly slots: Int32Array;
  /** The same words, past the fuse: for those who only look. */
  readonly plainSlots = new Int32Array(SLOT_WORDS);
  /** Leases on messages that have not ended. */
  readonly lent = new Set<number>();
  readonly #chunkWords: number;
  readonly #chunks = new Map<number, { readonly plain: Int32Array; readonly fused: Int32Array; next: number }>();
  #fuse = -1;
  #nextChunk = FIRST_CHUNK_ADDRESS;
  #nextMessage = 1;

  constructor(chunkEntries: number) {
    this.#chunkWords = chunkEntries * ENTRY_WORDS;
    this.slots = this.#fused(this.plainSlots);
  }

  get chunkCount(): number {
    return this.#chunks.size;
  }

  /** The change after the next `changes` ones does not happen: the user crashes. */
  lightFuse(changes: number): void {
    this.#fuse = changes;
  }

  quench(): void {
    this.#fuse = -1;
  }

  get armed(): boolean {
    return this.#fuse >= 0;
  }

  /** Every change passes here first. */
  step(): void {
    if (this.#fuse < 0) return;
    if (this.#fuse === 0) {
      this.#fuse = -1;
      throw new Crash();
    }
    this.#fuse--;
  }

  /** A message with one lease. Its address is never used again. */
  message(): number {
    const address = this.#nextMessage++;
    this.lent.add(address);
    return address;
  }

  intsOf(address: number): Int32Array {
    return address === 0 ? ZEROS : this.#chunk(address).fused;
  }

  plainIntsOf(address: number): Int32Array {
    return this.#chunk(address).plain;
  }

  intOffsetOf(address: number): number {
    if (address !== 0) this.#chunk(address);
    return 0;
  }

  allocateChunk(): number {
    this.step();
    const address = this.#nextChunk;
    this.#nextChunk += CHUNK_STEP;
    // Blocks are reused as they are: what stood there before must not matter.
    const plain = new Int32Array(this.#chunkWords).fill(-7);
    this.#chunks.set(address, { plain, fused: this.#fused(plain), next: -7 });
    return address;
  }

  freeChunk(address: number): void {
    this.step();
    // It is somebody else's at once.
    this.#chunk(address).plain.fill(-7);
    this.#chunks.delete(address);
  }

  nextChunk(address: number): number {
    return this.#chunk(address).next;
  }

  setNextChunk(address: number, link: number): void {
    this.step();
    this.#chunk(address).next = link;
  }

  release(address: number): void {
    this.step();
    if (!this.lent.delete(address)) throw new Error(`message ${address} is released twice`);
  }

  #chunk(address: number): { readonly plain: Int32Array; readonly fused: Int32Array; next: number } {
    const chunk = this.#chunks.get(address);
    if (chunk === undefined) throw new Error(`there is no chunk at ${address}`);
    return chunk;
  }

  #fused(words: Int32Array): Int32Array {
    return new Proxy(words, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
      set: (target, key, value: number) => {
        this.step();
        return Reflect.set(target, key, value, target);
      },
    });
  }
}
