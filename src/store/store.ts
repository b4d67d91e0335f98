/**
 * The store: what outlives the process. It collects what queues and the topology hand over, and brings all of it to the disk in
 * one transaction; what was appended and settled in the same group is never written.
 *
 * ```
 *   append -> collected (columns) -> commit -> segments: | index | contents |     settle -> a bit, later | state |
 *                                              bodies that several queues share: once, in segments of their own
 * ```
 *
 * A queue's messages lie in segments (store-keys.ts, segment.ts): one for each commit that brought some, within bounds. What is
 * found damaged belongs to one queue, and hurts no other.
 */
import { LEVEL_MASK } from '../broker/queue/ledger-layout.ts';
import type { Crc32 } from './checksum.ts';
import { CollectionPool } from './collection.ts';
import { CommitGroup, type CommitReport } from './commit-group.ts';
import { RowFlag } from './index-record.ts';
import { type StoredEntry, inventoryOf } from './inventory.ts';
import type { Disk, StoreMemory } from './port.ts';
import { QueueLog } from './queue-log.ts';
import { recover } from './recovery.ts';
import { retainedRuns } from './retained-runs.ts';
import { SegmentBuilder } from './segment-builder.ts';
import { SegmentReader } from './segment-reader.ts';
import { SharedBodies } from './shared-bodies.ts';
import { type StoreDescription, describeStore } from './store-description.ts';
import { Area, CLEAN_STOP_KEY, QUEUES_FROM, STORE_KEY } from './store-keys.ts';
import type { RefiningDisk } from './span-refining.ts';
import type { Advance, HandedMoment } from './timeline.ts';
import { TIMELINES_TO } from './timeline-keys.ts';
import { Timelines } from './timelines.ts';
import { StoreFormatError, isCleanStop, readStoreRecord, unreadable } from './store-record.ts';
import type { StoreTools } from './store-tools.ts';

export type { CommitReport, StoredEntry };

export const AppendFlag = {
  redelivered: RowFlag.redelivered,
  /** Transient, paged out: not recovered after a restart. */
  paged: 2,
  /** Routed to several queues: the body is kept once. */
  shared: 4,
  /** Its publisher said how long it may wait. */
  expiring: RowFlag.expiring,
  /** It was published as one that may be there twice. */
  repeated: RowFlag.repeated,
  /** Its priority, in a queue that tells priorities apart: the same bits as in the queue's ledger. */
  priority: LEVEL_MASK,
} as const;

const ROW_FLAGS = AppendFlag.redelivered | AppendFlag.expiring | AppendFlag.repeated | AppendFlag.priority;

export type Opened = {
  /** The last process said goodbye. */
  readonly clean: boolean;
  /** What is damaged and belongs to no queue that is known, as sentences. */
  readonly faults: readonly string[];
};

export class Store {
  readonly #disk: Disk;
  readonly #memory: StoreMemory;
  readonly #tools: StoreTools;
  #logs = new Map<number, QueueLog>();
  /** The queue that was asked for last. */
  #recent: QueueLog | undefined;
  readonly #group: CommitGroup;
  readonly #refining: RefiningDisk;
  /** What waits for a time. It shares the transactions with the rest. */
  readonly timelines: Timelines;

  constructor(disk: Disk, memory: StoreMemory, crc32: Crc32) {
    this.#disk = disk;
    this.#memory = memory;
    const reader = new SegmentReader(disk, crc32);
    const builder = new SegmentBuilder(crc32);
    const bodies = new SharedBodies(memory, reader, builder);
    const tally = { collected: 0, collectedBytes: 0, settled: 0, cancelled: 0 };
    this.#tools = { memory, crc32, reader, builder, bodies, collections: new CollectionPool(), tally };
    this.timelines = new Timelines(disk, this.#tools);
    this.#group = new CommitGroup(disk, this.#tools, this.timelines);
    this.#refining = { entries: (from, to, stepBytes) => disk.entries(from, to, stepBytes), commit: (changes) => this.#group.commitAlone(changes) };
  }

  /**
   * Reads what stands on the disk: keys, and small records. Throws StoreFormatError when it is none of this version's. Commit once
   * before anything is delivered: the mark of the clean stop must be gone by then.
   */
  open(): Opened {
    const disk = this.#disk;
    const record = disk.get(STORE_KEY);
    if (record === undefined) {
      for (const _ of disk.keys(QUEUES_FROM, TIMELINES_TO)) throw new StoreFormatError(unreadable('is missing'));
    }
    const { crc32 } = this.#tools;
    const recordsWritten = record === undefined ? undefined : readStoreRecord(crc32, record);
    const { logs, records, leftovers, faults } = recover(disk, this.#tools, (queue) => new QueueLog(queue, this.#tools));
    const mark = disk.get(CLEAN_STOP_KEY);
    const clean = isCleanStop(crc32, mark);
    if (!clean) for (const log of logs.values()) log.redelivered = Math.max(log.kept.last, 0);
    if (recordsWritten !== undefined && recordsWritten !== records) {
      faults.push(`Messages may be lost: the store had ${recordsWritten} queues, and ${records} are there.`);
    }
    faults.push(...this.timelines.open(clean));
    this.#logs = logs;
    this.#group.begin({ records, recordsWritten, marked: mark !== undefined, leftovers });
    return { clean, faults };
  }

  /** Ids of queues that hold something, or held what cannot be found. */
  *queues(): Generator<number, void, undefined> {
    for (const log of this.#logs.values()) if (log.holding || log.damage !== undefined) yield log.id;
  }

  /** Ids of queues of which anything is there, if only a record. */
  *known(): Generator<number, void, undefined> {
    yield* this.#logs.keys();
    yield* this.timelines.known();
  }

  /** The kept messages that recovery found, in order. After a stop that was not clean all of them count as delivered before. */
  inventory(queue: number): Iterable<StoredEntry> {
    const log = this.#logOf(queue);
    return log === undefined ? [] : inventoryOf(log, this.#tools.reader);
  }

  /**
   * The position behind the last message that a process before this one may have done with what it did not tell: delivered it, or sent its dead
   * letter. Undefined: there is none.
   */
  unsureTo(queue: number): number | undefined {
    const redelivered = this.#logOf(queue)?.redelivered ?? 0;
    return redelivered === 0 ? undefined : (redelivered + 1) | 0;
  }

  /** Dead letters of messages up to `position` are on their way, and the process ends in order: see `unsureTo`. */
  unsure(queue: number, position: number): void {
    const log = this.#logOf(queue);
    if (log === undefined) return;
    log.redelivered = Math.max(log.redelivered, Math.min(log.extend(position), log.kept.last));
    this.#group.touch(log);
  }

  /** Why a queue cannot be served, as a sentence. Undefined: it is sound as far as was looked. */
  damageOf(queue: number): string | undefined {
    return this.#logOf(queue)?.damage;
  }

  /** Kept messages on the disk that are not settled, as far as they were found. */
  messagesOf(queue: number): number {
    return this.#logOf(queue)?.kept.live ?? 0;
  }

  /** The position behind the last one that the queue handed over; after `open`, behind the last one that is left. New messages get this or a later one. */
  nextPosition(queue: number): number {
    const log = this.#logOf(queue);
    return log === undefined ? 0 : log.nextPosition;
  }

  /**
   * Collects a message. Its one lease (handed over) ends when it is written or cancelled. A position that is not above the last one
   * of its kind (kept, paged) of that queue is a repetition: released, ignored.
   */
  append(queue: number, position: number, address: number, flags: number): void {
    this.#group.hurry();
    let log = this.#logOf(queue);
    if (log === undefined) {
      log = new QueueLog(queue, this.#tools);
      this.#logs.set(queue, log);
      this.#recent = log;
    }
    const chain = (flags & AppendFlag.paged) === 0 ? log.kept : log.paged;
    const extended = log.extend(position);
    if (extended <= chain.last) return this.#memory.release(address);
    const reference = (flags & AppendFlag.shared) === 0 ? 0 : this.#tools.bodies.refer(address);
    chain.collect(extended, address, flags & ROW_FLAGS, reference);
    this.#group.touch(log);
  }

  /** `count` positions from `from` on are settled or dropped. Unknown ones are ignored. */
  settle(queue: number, from: number, count: number): void {
    const log = this.#logOf(queue);
    if (log === undefined) return;
    const first = log.extend(from);
    log.settle(first, first + count);
    this.#group.touch(log);
  }

  /** The message came back to its queue: it was delivered `deliveries` times. */
  returned(queue: number, position: number, deliveries: number): void {
    const log = this.#logOf(queue);
    if (log === undefined) return;
    const extended = log.extend(position);
    log.kept.returned(extended, deliveries);
    log.paged.returned(extended, deliveries);
    this.#group.touch(log);
  }

  /** After a crash of the queue: of kept (or paged) positions below `through` only these are alive. Words are pairs: | from | count |. */
  retain(queue: number, ranges: Int32Array, words: number, through: number, paged = false): void {
    const log = this.#logOf(queue);
    if (log === undefined) return;
    const chain = paged ? log.paged : log.kept;
    let settled = -Infinity;
    for (const { from, to } of retainedRuns(ranges, words, (position) => log.extend(position))) {
      if (from > settled) chain.settle(settled, from);
      settled = Math.max(settled, to);
    }
    const end = log.extend(through);
    if (end > settled) chain.settle(settled, end);
    this.#group.touch(log);
  }

  /** The queue is deleted: all of it goes, with the next commit. */
  forget(queue: number): void {
    const log = this.#logOf(queue);
    this.timelines.forget(queue);
    log?.drop();
    this.#logs.delete(queue);
    this.#recent = undefined;
    this.#group.forget(queue, log);
  }

  /**
   * Reads messages back into memory, one that is only collected as well. Address 0: memory is exhausted. -1: there is no such
   * message, or it is damaged; `damageOf` says which.
   */
  read(queue: number, positions: Int32Array, count: number, found: (position: number, address: number) => void): void {
    const log = this.#logOf(queue);
    for (let index = 0; index < count; index++) {
      const position = positions[index]!;
      const extended = log?.extend(position) ?? 0;
      const record = log?.kept.read(extended) ?? log?.paged.read(extended);
      found(position, typeof record === 'object' ? this.#memory.write(record) : -1);
    }
  }

  /** A commit has failed: what its error was. Nothing can be written any more. */
  get failure(): unknown {
    return this.#group.failure;
  }

  /** Hands out what is next in a timeline, on the disk, and due at `untilMs` or before. It may have to commit, and throws what `commit` throws. */
  advance(timeline: number, untilMs: number, found: (moment: HandedMoment) => void): Advance {
    return this.timelines.advance(this.#refining, timeline, untilMs, found);
  }

  /** One step of what `timelines.isRefining` speaks of: a few milliseconds, and perhaps a commit. Throws what `commit` throws. */
  refine(): void {
    this.timelines.refine(this.#refining);
  }

  /** A definition (definitions.ts), or its end. It shares the transaction with the messages. */
  put(key: Uint8Array, value: Uint8Array | undefined): void {
    if (key[0] !== Area.definitions) throw new RangeError(`definitions have keys that begin with ${Area.definitions}, not ${key[0]}`);
    this.#group.put(key, value);
  }

  /** The mark of the last clean stop still stands: nothing that was recovered may be delivered yet. */
  get marked(): boolean {
    return this.#group.marked;
  }

  /** What waits for a commit. 'lazy': only settles, returns and what is left to clear; it may wait some milliseconds. */
  get waiting(): 'nothing' | 'lazy' | 'urgent' {
    return this.#group.waiting;
  }

  /** Something waits for a commit without which the stop is not clean. */
  get unfinished(): boolean {
    return this.#group.unfinished;
  }

  /** Bytes of messages that wait for a commit. */
  get collectedBytes(): number {
    return this.#tools.tally.collectedBytes;
  }

  /** One transaction with everything collected. Throws what the disk throws; only after DiskFullError may it be called again. */
  commit(): CommitReport {
    return this.#group.commit(false);
  }

  /** Commits, and lets the next `open` answer that the stop was clean. Call it when the queues have told all they know. */
  markClean(): void {
    for (const log of this.#logs.values()) if ((log.written?.redelivered ?? 0) !== log.redelivered) this.#group.touch(log);
    this.#group.commit(true);
  }

  /** Figures for people. */
  describe(): StoreDescription {
    return describeStore(this.#logs.values(), this.#tools.bodies);
  }

  #logOf(queue: number): QueueLog | undefined {
    if (this.#recent?.id !== queue) this.#recent = this.#logs.get(queue);
    return this.#recent;
  }
}
