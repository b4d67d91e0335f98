import { crc32 } from 'node:zlib';
import * as assert from 'uvu/assert';
import { DiskFullError } from '../../../src/store/port.ts';
import type { Store, StoredEntry } from '../../../src/store/store.ts';
import { LeasedMemory } from '../../support/store-memory.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import type { StoreModule } from './store-copy.ts';
import { type Entry, type ModelQueue, StoreModel, before } from './store-model.ts';
import { LEVEL_SHIFT } from '../../../src/broker/queue/ledger-layout.ts';

const QUEUES = 3;
/** Records that stand on a disk whose queues are all empty: the store's, and one a queue. */
const IDLE_RECORDS = 1 + QUEUES;

/** A store over a disk in memory, beside a model that is told the same. */
export class StoreWorld {
  readonly #module: StoreModule;
  readonly disk = new MemoryDisk();
  #memory = new LeasedMemory();
  #store: Store;
  model = new StoreModel();
  /** What the disk must hold, as of the last commit. */
  #durable = new StoreModel();
  /** Messages for several queues that are still held, by address. */
  readonly #held: { readonly address: number; readonly content: Buffer }[] = [];
  #counts = { settled: 0, cancelled: 0 };
  #contents = 0;

  constructor(module: StoreModule, start: number) {
    this.#module = module;
    this.#store = new module.Store(this.disk, this.#memory, crc32);
    assert.equal(this.#store.open(), { clean: false, faults: [] });
    for (let id = 0; id < QUEUES; id++) this.model.queue(id).tail = start;
  }

  append(id: number, count: number, gap: number, sizeBytes: number, redelivered: boolean): void {
    const queue = this.model.queue(id);
    for (let one = 0; one < count; one++) {
      for (let hole = 0; hole < gap; hole++) queue.skipped.push((queue.tail + hole) | 0);
      const position = (queue.tail + gap) | 0;
      const content = this.#content(sizeBytes);
      this.#append(id, position, this.#memory.add(content), content, redelivered ? this.#module.AppendFlag.redelivered : 0);
    }
  }

  pageOut(id: number, count: number, sizeBytes: number): void {
    const queue = this.model.queue(id);
    const able = queue.skipped.filter((position) => queue.lastPaged === undefined || before(queue.lastPaged, position));
    for (const position of able.slice(0, count)) {
      const content = this.#content(sizeBytes);
      this.#append(id, position, this.#memory.add(content), content, this.#module.AppendFlag.paged);
    }
  }

  /** Messages to some queues now, and to others that come late. */
  fanOut(ids: readonly number[], count: number, sizeBytes: number, held: boolean): void {
    for (let one = 0; one < count; one++) {
      const content = this.#content(sizeBytes);
      const address = this.#memory.add(content);
      for (const id of ids) this.#appendShared(id, address, content);
      if (held) this.#held.push({ address, content });
      else this.#memory.release(address);
    }
  }

  fanOutLate(at: number, id: number): void {
    const one = this.#held[at % Math.max(this.#held.length, 1)];
    if (one !== undefined) this.#appendShared(id, one.address, one.content);
  }

  get heldCount(): number {
    return this.#held.length;
  }

  letGo(at: number): void {
    for (const { address } of this.#held.splice(at % Math.max(this.#held.length, 1), 1)) this.#memory.release(address);
  }

  /** A letter that is read again. */
  repeat(id: number, back: number): void {
    const queue = this.model.queue(id);
    if (queue.lastKept === undefined) return;
    this.#store.append(id, (queue.lastKept - back) | 0, this.#memory.add(this.#content(7)), 0);
  }

  settle(id: number, offset: number, count: number): void {
    const queue = this.model.queue(id);
    const from = (queue.tail - offset) | 0;
    this.#store.settle(id, from, count);
    for (let one = 0; one < count; one++) {
      const position = (from + one) | 0;
      for (const chain of [queue.kept, queue.paged]) this.#drop(chain, position);
    }
  }

  returned(id: number, offset: number, deliveries: number): void {
    const queue = this.model.queue(id);
    const position = (queue.tail - offset) | 0;
    this.#store.returned(id, position, deliveries);
    const entry = queue.kept.get(position);
    if (entry !== undefined) entry.deliveries = deliveries;
  }

  retain(id: number, offset: number, bits: number): void {
    const queue = this.model.queue(id);
    const through = (queue.tail - offset) | 0;
    const words: number[] = [];
    for (const position of [...queue.kept.keys()]) {
      if (!before(position, through)) continue;
      if ((bits & (1 << (position & 31))) !== 0) words.unshift(position, 1);
      else this.#drop(queue.kept, position);
    }
    this.#store.retain(id, Int32Array.from(words), words.length, through);
  }

  forget(id: number): void {
    const queue = this.model.queue(id);
    for (const chain of [queue.kept, queue.paged]) for (const position of [...chain.keys()]) this.#drop(chain, position);
    this.#store.forget(id);
    this.model.queues.delete(id);
    this.model.queue(id).tail = queue.tail;
  }

  read(id: number, offset: number, count: number, exhausted: boolean): void {
    const queue = this.model.queue(id);
    const positions = Int32Array.from({ length: count }, (_, one) => queue.tail - offset + one);
    this.#memory.capacity = exhausted ? 0 : Infinity;
    let found = 0;
    this.#store.read(id, positions, count, (position, address) => {
      assert.is(position, positions[found++]);
      const entry = queue.kept.get(position) ?? queue.paged.get(position);
      if (entry === undefined) assert.is(address, -1);
      else if (exhausted) assert.is(address, 0);
      else this.#expectContent(address, entry);
    });
    this.#memory.capacity = Infinity;
    assert.is(found, count);
    assert.is(this.#store.damageOf(id), undefined);
  }

  commit(): void {
    let messages = 0;
    let bytes = 0;
    for (const queue of this.model.queues.values()) {
      for (const [, entry] of queue.all) {
        if (!entry.pending) continue;
        entry.pending = false;
        messages++;
        bytes += entry.sizeBytes;
      }
    }
    assert.equal(this.#store.commit(), { messages, bytes, ...this.#counts });
    this.#committed();
  }

  /** The disk has no room; nothing changes. */
  commitInVain(): void {
    this.disk.full = true;
    const { waiting } = this.#store;
    const { commits } = this.disk;
    try {
      this.#store.commit();
      // There was nothing to write: what was collected was settled as well.
      assert.is(this.model.pending, 0);
      this.#committed();
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      assert.is(this.#store.waiting, waiting);
    }
    assert.is(this.disk.commits, commits);
    this.disk.full = false;
  }

  /** The process ends, and another one begins; what was not committed is lost. */
  restart(clean: boolean, fresh: number): void {
    if (clean) {
      this.#store.markClean();
      for (const queue of this.model.queues.values()) for (const [, entry] of queue.all) entry.pending = false;
      this.#committed();
    }
    this.model = this.#durable.copy();
    this.#held.length = 0;
    this.#counts = { settled: 0, cancelled: 0 };
    this.#memory = new LeasedMemory();
    this.#store = new this.#module.Store(this.disk, this.#memory, crc32);
    assert.equal(this.#store.open(), { clean, faults: [] });
    assert.is(this.#store.waiting === 'urgent', clean);
    for (let id = 0; id < QUEUES; id++) this.#checkRecovered(id, clean, fresh);
    // Nothing is delivered before the mark is gone.
    this.commit();
  }

  check(): void {
    assert.is(this.#memory.leases, this.model.pending + this.#held.length, 'leases');
    if (this.model.pending > 0) assert.is(this.#store.waiting, 'urgent');
    const holding = [...this.model.queues].filter(([, { kept, paged }]) => kept.size + paged.size > 0).map(([id]) => id);
    for (const id of holding) assert.ok([...this.#store.queues()].includes(id), `queue ${id} is said to be empty`);
    for (const { queue, kept, paged } of this.#store.describe().queues) {
      assert.is(kept.messages, written(this.model.queue(queue).kept), 'live kept messages');
      assert.is(paged.messages, written(this.model.queue(queue).paged), 'live paged messages');
    }
  }

  /** Nothing is left when nothing lives. */
  clear(restarted: boolean): void {
    if (restarted) this.restart(false, 0);
    else this.commit();
    for (let id = 0; id < QUEUES; id++) {
      const queue = this.model.queue(id);
      for (const chain of [queue.kept, queue.paged]) {
        for (const position of [...chain.keys()]) {
          this.#store.settle(id, position, 1);
          this.#drop(chain, position);
        }
      }
    }
    this.commit();
    assert.is(this.#store.waiting, 'nothing');
    assert.ok(this.disk.size <= IDLE_RECORDS, `${this.disk.size} records are left`);
    assert.is(this.#store.describe().sharedSegments, 0);
  }

  #append(id: number, position: number, address: number, content: Buffer, flags: number): void {
    const queue = this.model.queue(id);
    const { paged, redelivered } = this.#module.AppendFlag;
    // Messages of two thirds of all sizes have one.
    const priority = content.length % 3 === 0 ? 0 : (content.length & 0xff) << LEVEL_SHIFT;
    const entry = { content, sizeBytes: content.length, priority, redelivered: (flags & redelivered) !== 0, deliveries: 0, pending: true };
    if ((flags & paged) === 0) {
      queue.kept.set(position, entry);
      queue.lastKept = position;
      queue.tail = (position + 1) | 0;
    } else {
      queue.paged.set(position, entry);
      queue.lastPaged = position;
    }
    this.#store.append(id, position, address, flags | priority);
  }

  #appendShared(id: number, address: number, content: Buffer): void {
    this.#memory.hold(address);
    this.#append(id, this.model.queue(id).tail, address, content, this.#module.AppendFlag.shared);
  }

  #drop(chain: Map<number, Entry>, position: number): void {
    const entry = chain.get(position);
    if (entry === undefined) return;
    chain.delete(position);
    if (entry.pending) this.#counts.cancelled++;
    else this.#counts.settled++;
  }

  #committed(): void {
    const sharedRecords = [...this.disk.keys(Buffer.from([5]), Buffer.from([6]))].length;
    assert.is(2 * this.#store.describe().sharedSegments, sharedRecords, 'shared segments');
    this.#counts = { settled: 0, cancelled: 0 };
    this.#durable = this.model.copy();
  }

  #checkRecovered(id: number, clean: boolean, fresh: number): void {
    const queue: ModelQueue = this.model.queue(id);
    const expected: StoredEntry[] = [];
    for (const [position, entry] of queue.kept) {
      entry.redelivered ||= !clean || entry.deliveries > 0;
      expected.push({ position, flags: entry.priority | (entry.redelivered ? 1 : 0), deliveries: entry.deliveries, sizeBytes: entry.sizeBytes });
    }
    assert.equal([...this.#store.inventory(id)], expected);
    assert.is(this.#store.damageOf(id), undefined);
    // Positions follow the last message that is left.
    const last = expected.at(-1)?.position;
    queue.tail = last === undefined ? fresh : (last + 1) | 0;
    queue.lastKept = last;
  }

  #expectContent(address: number, entry: Entry): void {
    assert.ok(address !== 0 && address !== -1, `not found: ${address}`);
    assert.ok(this.#memory.recordOf(address).equals(entry.content), 'the content is another one');
    this.#memory.release(address);
  }

  #content(sizeBytes: number): Buffer {
    const content = Buffer.alloc(sizeBytes);
    for (let at = 0; at + 4 <= sizeBytes; at += 4) content.writeUInt32BE(this.#contents++, at);
    return content;
  }
}

function written(chain: Map<number, Entry>): number {
  let count = 0;
  for (const entry of chain.values()) if (!entry.pending) count++;
  return count;
}
