import type { Disk, DiskChange } from './port.ts';
import { DiskFullError } from './port.ts';
import type { QueueLog } from './queue-log.ts';
import { CLEAN_STOP_KEY, QueuePart, queueKey, queueKeysEnd } from './store-keys.ts';
import { cleanStopChange, storeRecordChange } from './store-record.ts';
import type { StoreTools } from './store-tools.ts';
import type { Timelines } from './timelines.ts';

export type CommitReport = {
  /** Messages that were written. */
  readonly messages: number;
  /** Messages that were settled and had been written before. */
  readonly settled: number;
  /** Bytes of the messages that were written. */
  readonly bytes: number;
  /** Messages that were settled before they were written. */
  readonly cancelled: number;
};

/** What recovery found that concerns the commits. */
export type Stand = {
  /** Records of queues on the disk. */
  readonly records: number;
  /** How many of them the store's own record speaks of; undefined: it does not stand there. */
  readonly recordsWritten: number | undefined;
  /** The mark of a clean stop stands on the disk. */
  readonly marked: boolean;
  /** Keys that are to go. */
  readonly leftovers: Buffer[];
};

/** What was collected since the last commit, and the commit: one transaction, after which all of it is true, or none. */
export class CommitGroup {
  readonly #disk: Disk;
  readonly #tools: StoreTools;
  readonly #timelines: Timelines;
  #touched: QueueLog[] = [];
  /** Queues that are deleted, and whether a record of theirs stands on the disk. */
  readonly #forgotten = new Map<number, boolean>();
  #definitions: DiskChange[] = [];
  #leftovers: Buffer[] = [];
  #records = 0;
  #recordsWritten: number | undefined;
  #marked = false;
  /** The mark was there at the start: it must go before anything is delivered, whatever else is to be written. */
  #markFound = false;
  #urgent = false;
  #failure: unknown;

  constructor(disk: Disk, tools: StoreTools, timelines: Timelines) {
    this.#disk = disk;
    this.#tools = tools;
    this.#timelines = timelines;
  }

  begin({ records, recordsWritten, marked, leftovers }: Stand): void {
    this.#records = records;
    this.#recordsWritten = recordsWritten;
    this.#marked = marked;
    this.#markFound = marked;
    this.#leftovers = leftovers;
  }

  /** The mark that was found at the start has not gone yet. */
  get marked(): boolean {
    return this.#markFound;
  }

  /** 'lazy': only settles, returns and what is left to clear; it may wait some milliseconds. */
  get waiting(): 'nothing' | 'lazy' | 'urgent' {
    if (this.#urgent || this.#markFound) return 'urgent';
    const timed = this.#timelines.waiting;
    return timed === 'nothing' ? this.#waitingOfQueues : timed;
  }

  /** Something waits beside keys of deleted timelines, which the next process clears as well. */
  get unfinished(): boolean {
    return this.#urgent || this.#markFound || !this.#timelines.isOnlyClearing || this.#waitingOfQueues !== 'nothing';
  }

  get #waitingOfQueues(): 'nothing' | 'lazy' {
    const lazy = this.#touched.length + this.#forgotten.size + this.#leftovers.length > 0 || this.#tools.bodies.waiting;
    return lazy ? 'lazy' : 'nothing';
  }

  /** Somebody waits for the commit. */
  hurry(): void {
    this.#urgent = true;
  }

  /** The queue has something for the commit. */
  touch(log: QueueLog): void {
    if (log.touched) return;
    log.touched = true;
    this.#touched.push(log);
  }

  /** The queue is deleted; nothing else of it is for the commit, but its keys go. */
  forget(queue: number, log: QueueLog | undefined): void {
    this.#forgotten.set(queue, this.#forgotten.get(queue) === true || log?.recorded === true);
    if (log?.touched === true) this.#touched.splice(this.#touched.indexOf(log), 1);
  }

  put(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#definitions.push({ key, value });
    this.#urgent = true;
  }

  /** `mark`: the stop is clean. Throws what the disk throws; only after DiskFullError may it be called again. */
  commit(mark: boolean): CommitReport {
    if (this.#failure !== undefined) throw this.#failure;
    const changes: DiskChange[] = [];
    this.#prepare(changes);
    const records = this.#recordsAfter();
    if ((changes.length > 0 || mark) && records !== this.#recordsWritten) changes.push(storeRecordChange(this.#tools.crc32, records));
    if (mark) changes.push(cleanStopChange(this.#tools.crc32));
    else if (this.#marked && (this.#markFound || changes.length > 0)) changes.push({ key: CLEAN_STOP_KEY, value: undefined });
    if (changes.length > 0) {
      this.#write(changes);
      this.#recordsWritten = records;
      this.#marked = mark;
    }
    return this.#applied(records);
  }

  /** One transaction with nothing that was collected: the store says the same before and after it. Throws as `commit` does. */
  commitAlone(changes: readonly DiskChange[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      this.#disk.commit(changes);
    } catch (error) {
      if (!(error instanceof DiskFullError)) this.#failure = error;
      throw error;
    }
  }

  /** A commit has failed: what its error was. */
  get failure(): unknown {
    return this.#failure;
  }

  #prepare(changes: DiskChange[]): void {
    const { builder, bodies } = this.#tools;
    builder.reset();
    for (const key of this.#leftovers) changes.push({ key, value: undefined });
    for (const queue of this.#forgotten.keys()) {
      const keys = this.#disk.keys(queueKey(queue, QueuePart.record), queueKeysEnd(queue));
      for (const key of keys) changes.push({ key, value: undefined });
    }
    // Bodies first: the queues' segments refer to them.
    bodies.prepare(changes);
    for (const log of this.#touched) log.prepare(changes);
    this.#timelines.prepare(changes);
    for (const change of this.#definitions) changes.push(change);
  }

  #recordsAfter(): number {
    let records = this.#records;
    for (const recorded of this.#forgotten.values()) if (recorded) records--;
    for (const log of this.#touched) if (log.newcomer) records++;
    return records;
  }

  #write(changes: readonly DiskChange[]): void {
    try {
      this.#disk.commit(changes);
    } catch (error) {
      for (const log of this.#touched) log.abandoned();
      this.#tools.bodies.abandoned();
      this.#timelines.abandoned();
      if (!(error instanceof DiskFullError)) this.#failure = error;
      throw error;
    }
  }

  #applied(records: number): CommitReport {
    const { bodies, tally } = this.#tools;
    this.#records = records;
    bodies.applied();
    for (const log of this.#touched) log.applied();
    this.#timelines.applied();
    this.#touched = [];
    this.#forgotten.clear();
    this.#definitions = [];
    this.#leftovers = [];
    this.#markFound = false;
    this.#urgent = false;
    const report = { messages: tally.collected, settled: tally.settled, bytes: tally.collectedBytes, cancelled: tally.cancelled };
    tally.collected = 0;
    tally.settled = 0;
    tally.collectedBytes = 0;
    tally.cancelled = 0;
    return report;
  }
}
