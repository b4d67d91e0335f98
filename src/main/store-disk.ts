/** What the store's thread stores on: the database, and the journal in front of it. */
import { crc32 } from 'node:zlib';
import { JournalFile } from '../../native-free-io/journal/journal-file.ts';
import { LmdbDisk } from '../../native-free-io/lmdb/lmdb-disk.ts';
import { JournaledDisk } from '../store/journal/journaled-disk.ts';
import { DiskFullError } from '../store/port.ts';
import { journalPathOf } from './store-file.ts';
import type { Durability } from './store-thread.ts';

export type StoreDiskOptions = {
  /** The database's file; the journal's stands beside it. */
  readonly path: string;
  readonly durability: Durability;
  readonly mapSizeBytes: number;
};

export class StoreDisk extends JournaledDisk {
  readonly #database: LmdbDisk;
  readonly #journal: JournalFile;

  private constructor(database: LmdbDisk, journal: JournalFile) {
    super(database, journal, crc32);
    this.#database = database;
    this.#journal = journal;
  }

  /** Throws what is wrong with one or the other, for the operator. Nothing is changed then. */
  static open({ path, durability, mapSizeBytes }: StoreDiskOptions): StoreDisk {
    const fullError = (text: string, cause: unknown): Error => new DiskFullError(text, { cause });
    const database = LmdbDisk.open({ path, durability, mapSizeBytes, fullError });
    try {
      return new StoreDisk(database, new JournalFile({ path: journalPathOf(path), durability, fullError }));
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** To be called now and then: lets go of memory, and of the journal when nothing else is to be done. */
  override idle(): void {
    super.idle();
    this.#database.trim();
  }

  override close(): void {
    try {
      super.close();
    } finally {
      this.#journal.close();
      this.#database.close();
    }
  }
}
