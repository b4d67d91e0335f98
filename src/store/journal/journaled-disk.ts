/**
 * A disk with a journal in front of it: a small commit is one write and one flush, where the database needs two flushes and writes
 * whole pages. What the journal holds lies over the database in memory, and goes into it later in one transaction.
 *
 * ```
 *   commit, small ----> journal: | record | record | ...      one flush, and it is confirmed
 *                         `----> overlay, by key               what `get`, `keys` and `entries` see
 *   commit, large, or journal full, or idle, or the end:
 *                       overlay + commit + mark of the next cycle ----> database, one transaction; the journal begins anew
 * ```
 *
 * The order of commits is kept: a commit that goes to the database takes along all that came before it. A record of the journal is
 * written over only when the transaction that took it over is on the device. The mark in the database (journal-mark.ts) says which
 * cycle counts, so the same record is never applied twice over something newer.
 *
 * Nothing is changed before the first commit: until then a store may turn out to be one that must not be opened.
 */
import type { Crc32 } from '../checksum.ts';
import { type Disk, type DiskChange, type DiskEntry, DiskFullError, type JournalFile } from '../port.ts';
import { JOURNAL_KEY } from '../store-keys.ts';
import { BLOCK_BYTES, blankBlock } from './journal-block.ts';
import { JournalFault } from './journal-fault.ts';
import { type JournalMark, journalMarkChange, readJournalMark } from './journal-mark.ts';
import { readJournal } from './journal-reading.ts';
import { blocksOf, layIntoBlocks, readRecord, recordBytesOf, writeRecord } from './journal-record.ts';
import { OverlaidDisk } from './overlaid-disk.ts';
import { Overlay } from './overlay.ts';

/** Blocks of the file, 4 MiB: the database is written once for up to so many commits. */
export const JOURNAL_BLOCKS = 1024;
/** A larger commit gains nothing by being written twice. */
export const RECORD_BLOCKS_MAX = 16;

export class JournaledDisk implements Disk {
  readonly #disk: Disk;
  readonly #file: JournalFile;
  readonly #crc32: Crc32;
  readonly #overlay = new Overlay();
  readonly #view: OverlaidDisk;
  readonly #scratch = Buffer.alloc(RECORD_BLOCKS_MAX * BLOCK_BYTES);
  #fileBytes: number;
  /** As it stands in the database. */
  #mark: JournalMark;
  /** No block has a higher one. */
  #lastCycle: number;
  /** The journal takes records: its cycle was begun by this process, all that was written to it is known to stand there, and there is room. */
  #begun = false;
  /** Records of this cycle, and the blocks that they take. */
  #records = 0;
  #blocks = 0;
  /** There was no room for a file; not asked again with each commit. */
  #roomless = false;
  /** Something was committed since `idle` was called last. */
  #busy = false;
  #failure: unknown;
  /** What an operator should know of the end of the last process, as sentences. */
  readonly faults: readonly string[];

  /** Reads what the last process left. Throws JournalFault, with nothing changed. */
  constructor(disk: Disk, file: JournalFile, crc32: Crc32) {
    this.#disk = disk;
    this.#file = file;
    this.#crc32 = crc32;
    this.#view = new OverlaidDisk(disk, this.#overlay);
    this.#mark = readJournalMark(crc32, disk.get(JOURNAL_KEY));
    const bytes = file.read();
    if (bytes === undefined && this.#mark.blocks > 0) throw new JournalFault('it is missing');
    this.#fileBytes = bytes?.length ?? 0;
    const { records, torn, lastCycle } = readJournal(crc32, bytes ?? Buffer.alloc(0), this.#mark);
    for (const changes of records) this.#overlay.take(changes);
    this.#lastCycle = Math.max(this.#mark.cycle, lastCycle);
    this.faults = torn ? [tornText(records.length + 1)] : [];
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#view.get(key);
  }

  keys(from: Uint8Array, to: Uint8Array): Iterable<Buffer> {
    return this.#view.keys(from, to);
  }

  entries(from: Uint8Array, to: Uint8Array, stepBytes?: number): Iterable<DiskEntry> {
    return this.#view.entries(from, to, stepBytes);
  }

  commit(changes: readonly DiskChange[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (changes.length === 0) return;
    this.#busy = true;
    const bytes = recordBytesOf(changes);
    const blocks = blocksOf(bytes);
    const fits = this.#begun && blocks <= RECORD_BLOCKS_MAX && this.#blocks + blocks <= this.#mark.blocks;
    if (!fits || !this.#append(writeRecord(changes, bytes), blocks)) this.#apply(changes);
  }

  /** To be called now and then: what stands in the journal alone goes into the database when nothing else is to be done. */
  idle(): void {
    this.#roomless = false;
    const wasBusy = this.#busy;
    this.#busy = false;
    if (wasBusy || this.#failure !== undefined || !this.#begun || this.#records === 0) return;
    this.#passingFull(() => this.#apply([]));
  }

  /** All goes into the database, which then needs no journal. Without room, the journal stays as it is, for the next start. */
  close(): void {
    if (this.#failure !== undefined || !this.#begun) return;
    this.#begun = false;
    const closed = journalMarkChange(this.#crc32, { cycle: this.#lastCycle, blocks: 0 });
    this.#passingFull(() => this.#commitBelow([...this.#overlay.changes(), closed]));
  }

  /** False: there is no room for it, and nobody knows what stands in its place. */
  #append(record: Buffer, blocks: number): boolean {
    const laid = layIntoBlocks(this.#crc32, record, this.#mark.cycle, this.#records + 1, this.#scratch);
    try {
      this.#file.write(laid, this.#blocks * BLOCK_BYTES);
    } catch (error) {
      this.#begun = false;
      if (error instanceof DiskFullError) return false;
      this.#failure = error;
      throw error;
    }
    this.#overlay.take(readRecord(record)!);
    this.#records++;
    this.#blocks += blocks;
    return true;
  }

  #passingFull(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
    }
  }

  /** All that is in the journal, and then `changes`, in one transaction. */
  #apply(changes: readonly DiskChange[]): void {
    if (this.#begun && this.#records === 0) return this.#commitBelow(changes);
    const mark = { cycle: this.#lastCycle + 1, blocks: this.#blocksForNext() };
    const counts = mark.blocks > 0 || this.#mark.blocks > 0;
    this.#commitBelow([...this.#overlay.changes(), ...changes, ...(counts ? [journalMarkChange(this.#crc32, mark)] : [])]);
    this.#mark = mark;
    this.#lastCycle = mark.cycle;
    this.#begun = mark.blocks > 0;
    this.#records = 0;
    this.#blocks = 0;
    this.#overlay.clear();
  }

  /** Blocks of the journal from the next cycle on; 0: there is no room for one. */
  #blocksForNext(): number {
    // As long as the mark says that it counts, the file is what it was.
    if (this.#mark.blocks > 0) return this.#mark.blocks;
    if (this.#roomless) return 0;
    if (this.#fileBytes === JOURNAL_BLOCKS * BLOCK_BYTES) return JOURNAL_BLOCKS;
    try {
      this.#file.make(blankBlock(this.#crc32), JOURNAL_BLOCKS);
    } catch (error) {
      this.#roomless = true;
      if (error instanceof DiskFullError) return 0;
      this.#failure = error;
      throw error;
    }
    this.#fileBytes = JOURNAL_BLOCKS * BLOCK_BYTES;
    return JOURNAL_BLOCKS;
  }

  #commitBelow(changes: readonly DiskChange[]): void {
    try {
      this.#disk.commit(changes);
    } catch (error) {
      // Who waits for room shall not be overtaken by those whom the journal has room for.
      this.#begun = false;
      if (!(error instanceof DiskFullError)) this.#failure = error;
      throw error;
    }
  }
}

function tornText(record: number): string {
  return (
    `Record ${record}, the last one of the store's journal, is not whole and was left out: the process ended or the power failed while it was written, ` +
    'and nobody had been told of its messages. If that is not how the last run ended, the file is damaged, and messages may be lost.'
  );
}
