import { readFileSync, statSync } from 'node:fs';
import { pagesOfCommit } from './commit-pages.ts';
import { FileRoom } from './file-room.ts';
import { makeDatabase } from './fresh-database.ts';
import { META_PAGES, openDatabase, pagesOf } from './lmdb-database.ts';
import type { DatabaseStats, LmdbDatabase } from './lmdb-database.ts';
import { LmdbFailure, LmdbFullError, failureText, isFullDevice, meansFull } from './lmdb-errors.ts';
import { holdsBytes, requireConditions, roomBytesOf } from './open-conditions.ts';

/**
 * An ordered map of bytes in one LMDB file, synchronous throughout: for a thread of its own that has nothing to do while the
 * device writes. That thread is the only user, nothing asynchronous goes on behind it, and no thread of LMDB's writes; that no
 * second process opens the file is the affair of `native-free-io/file`.
 *
 * A commit is: pages written, flushed (fdatasync), then 128 bytes of meta page through a descriptor that flushes (O_DSYNC). So it
 * costs two flushes, and little else (two cores with much else to do, ext4; medians, microseconds):
 *
 *   two bare flushes of that kind                                        155 to 190
 *   commit of 100 bytes                                                  170 to 215
 *   the same with lmdb's overlappingSync, waiting for the flush          240 to 320
 *   commit of 64 KiB / of 256 KiB in pages used before                   200 to 210 / 310
 *   one change of many, put or removed                                   1 to 2
 *   a commit under `written`                                             about 75
 *
 * In a file that grows it costs more: file-room.ts tells how much, and why the file is longer than LMDB needs it.
 *
 * `overlappingSync` lets a second transaction begin while the first is flushed. One thread that commits and waits gains nothing
 * by it and pays for two meta pages and a thread; synchronous transactions are as durable with it as without
 * (`test/unit/native-free-io/lmdb/lmdb-facts.test.ts`). `noMemInit` gained nothing and lets old memory into the file.
 *
 * A value that does not fit half a page gets pages of its own, the first with a header of 24 bytes: 65,536 bytes take 17 pages of
 * 4 KiB, 65,512 take 16. A queue that appends and removes, one value each commit, with 1 GB of backlog:
 *
 *   value     MB in the file per MB of values    CPU for each commit, microseconds    check of 1 GB at the start, seconds
 *     2,000   2.1 (8 KiB pages: 1.4)             140                                  5 to 6
 *    16,360   1.0                                140                                  -
 *    65,512   1.0                                160 to 180                           0.4
 *   262,120   1.0                                200 to 230                           0.1
 *
 * Larger values are cheaper throughout, at 130 microseconds to read 256 KiB and 45 for 64 KiB. Pages of 8 and 16 KiB made no
 * difference beside that of the measurements, but for small values. The file does not shrink. With values of random sizes it came
 * to rest 2 to 7 % above what is in it after 2,000 commits, and stayed there for 20,000; a drained backlog of 0.5 GB makes commits
 * no slower. What is read through the map counts as resident (RssFile, as large as the file), and the system takes it back at
 * need; a memory limit of the node's own has to look at RssAnon.
 */

/** `flushed`: a commit that returned survives the loss of power. `written`: it survives the end of the process, no more. */
export type LmdbDurability = 'flushed' | 'written';

export type LmdbDiskOptions = {
  /** The file; a lock file with `-lock` behind its name stands beside it. */
  readonly path: string;
  readonly durability: LmdbDurability;
  /** Address space taken at once; it costs no memory. A file that outgrows it is mapped anew by LMDB, twice as large. */
  readonly mapSizeBytes: number;
  /** Makes the error of a full device, where the caller has a class of its own for it. */
  readonly fullError?: (text: string, cause: unknown) => Error;
};

export type LmdbChange = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };
export type LmdbEntry = { readonly key: Buffer; readonly value: Buffer };

export type LmdbStats = {
  readonly pageSizeBytes: number;
  readonly entries: number;
  /** Pages of the file up to the last one in use, and those of them that can be used again. */
  readonly pages: number;
  readonly freePages: number;
  readonly fileSizeBytes: number;
};

/** LMDB's classic limit; with 4 KiB pages it would take 1,978. */
export const KEY_SIZE_MAX = 511;
/** With less room than this beside a commit, the device counts as full: what LMDB itself writes has to fit too. */
export const ROOM_SPARE_BYTES = 16 << 20;
/** What one step of an iteration reads before it ends its read transaction, when nobody says less: whichever comes first. */
const READ_ENTRIES_MAX = 256;
const READ_BYTES_MAX = 1 << 20;
/** Page headers, tree nodes and what is copied beside a value, generously. */
const CHANGE_OVERHEAD_BYTES = 64;

/** Bytes of values that are read and written between two looks at what the map has brought into memory. */
const TRIM_EVERY_BYTES = 4 << 20;
/** Each value counts as so many bytes more: the page that leads to it is touched, whatever its size, and the system brings in those beside it. */
const TOUCHED_BYTES = 16 << 10;
const PAGE_BYTES = 4 << 10;
/** Pages that the map may bring into memory: 24 MiB. */
const REMAP_PAGES = 6_144;
/** A large commit finds the map with no more than this when it begins, since nothing can be let go of before it ends. */
const REMAP_PAGES_BEFORE = REMAP_PAGES / 2;

export class LmdbDisk {
  readonly path: string;
  readonly #options: LmdbDiskOptions;
  #database: LmdbDatabase;
  readonly #room: FileRoom;
  /** File pages in the memory of the process when the map was made. */
  #pagesAtMap = residentFilePages();
  /** What counts towards TRIM_EVERY_BYTES since the last look at that. */
  #movedBytes = 0;
  readonly #durability: LmdbDurability;
  readonly #fullError: (text: string, cause: unknown) => Error;
  #failure: LmdbFailure | undefined;
  #closed = false;

  private constructor(database: LmdbDatabase, options: LmdbDiskOptions) {
    this.path = options.path;
    this.#options = options;
    this.#database = database;
    this.#room = new FileRoom(options.path, usedBytesOf(database));
    this.#durability = options.durability;
    this.#fullError = options.fullError ?? ((text, cause) => new LmdbFullError(text, { cause }));
  }

  /** Throws LmdbFailure when the file cannot be opened or is no database. */
  static open(options: LmdbDiskOptions): LmdbDisk {
    const { path, durability } = options;
    requireConditions(path, options.mapSizeBytes);
    let database: LmdbDatabase | undefined;
    try {
      if (!holdsBytes(path)) makeDatabase(path, options.mapSizeBytes);
      database = openDatabase(path, durability === 'flushed', options.mapSizeBytes);
      // What a killed process wrote last is on the device before anybody builds on it.
      if (durability === 'flushed') database.env.sync();
      return new LmdbDisk(database, options);
    } catch (error) {
      void database?.close();
      throw new LmdbFailure(failureText('open', path, error), { cause: error });
    }
  }

  /** A copy of the value, or undefined. */
  get(key: Uint8Array): Buffer | undefined {
    this.#requireUsable();
    const value = this.#database.getBinary(key);
    this.#moved(TOUCHED_BYTES + (value?.length ?? 0));
    return value;
  }

  /**
   * Keys with `from <= key < to`, in order. Read in steps, so no read transaction outlives a step (it would keep LMDB from using
   * pages again): what is committed during an iteration is seen by the steps that follow.
   */
  *keys(from: Uint8Array, to: Uint8Array): Iterable<Buffer> {
    for (let start: Uint8Array | undefined = from; start !== undefined; ) {
      this.trim();
      const step: Buffer[] = [];
      for (const key of this.#database.getKeys({ start, end: to, limit: READ_ENTRIES_MAX })) step.push(key as Buffer);
      start = step.length < READ_ENTRIES_MAX ? undefined : followerOf(step[step.length - 1]!);
      yield* step;
    }
  }

  /** The same with copies of the values, of which one step reads about `stepBytes`. */
  *entries(from: Uint8Array, to: Uint8Array, stepBytes = READ_BYTES_MAX): Iterable<LmdbEntry> {
    for (let start: Uint8Array | undefined = from; start !== undefined; ) {
      this.trim();
      const step: LmdbEntry[] = [];
      let sizeBytes = 0;
      for (const entry of this.#database.getRange({ start, end: to, limit: READ_ENTRIES_MAX })) {
        step.push(entry as LmdbEntry);
        sizeBytes += entry.value.length;
        if (sizeBytes >= stepBytes) break;
      }
      const last = step[step.length - 1];
      start = last === undefined ? undefined : followerOf(last.key);
      yield* step;
    }
  }

  /**
   * One transaction, on the device when it returns (`flushed`). A full device is the error of `fullError`, and the database is as
   * it was; any other error is a LmdbFailure, after which nothing can be read or written here any more.
   */
  commit(changes: readonly LmdbChange[]): void {
    this.#requireUsable();
    if (changes.length === 0) return;
    const writtenBytes = requireFitting(changes);
    if (writtenBytes > 0 && roomBytesOf(this.path) < writtenBytes + ROOM_SPARE_BYTES) {
      throw this.#fullError(`the device of ${this.path} is full: ${writtenBytes} bytes are to be stored`, undefined);
    }
    if (TOUCHED_BYTES * changes.length > REMAP_PAGES_BEFORE * PAGE_BYTES) this.trim(REMAP_PAGES_BEFORE);
    const { pageFlushes: flushesBefore, lastPageNumber } = this.#database.env.info();
    this.#makeRoom(changes, lastPageNumber);
    try {
      this.#database.transactionSync(() => {
        for (const change of changes) {
          if (change.value === undefined) void this.#database.remove(change.key);
          else void this.#database.put(change.key, unsharedBytes(change.value));
        }
      });
    } catch (error) {
      throw this.#commitError(error, flushesBefore);
    }
    this.#moved(writtenBytes + TOUCHED_BYTES * changes.length);
  }

  #moved(bytes: number): void {
    this.#movedBytes += bytes;
    if (this.#movedBytes > TRIM_EVERY_BYTES) this.trim();
  }

  /**
   * What is read through the map stays in the memory of the process until the system wants it back, up to the size of the file, and
   * counts as the process's own. Above `pagesMax` the file is closed and opened again, which lets go of all of it: 2 to 6 ms.
   */
  trim(pagesMax = REMAP_PAGES): void {
    this.#requireUsable();
    this.#movedBytes = 0;
    if (residentFilePages() - this.#pagesAtMap < pagesMax) return;
    void this.#database.close();
    try {
      this.#database = openDatabase(this.path, this.#durability === 'flushed', this.#options.mapSizeBytes);
    } catch (error) {
      this.#failure = new LmdbFailure(failureText('open again', this.path, error), { cause: error });
      throw this.#failure;
    }
    this.#pagesAtMap = residentFilePages();
  }

  stats(): LmdbStats {
    this.#requireUsable();
    const stats = this.#database.getStats() as DatabaseStats;
    const pages = stats.lastPageNumber + 1;
    return {
      pageSizeBytes: stats.pageSize,
      entries: stats.entryCount,
      pages,
      freePages: pages - META_PAGES - pagesOf(stats) - pagesOf(stats.free),
      fileSizeBytes: statSync(this.path).size,
    };
  }

  /** Twice is once. Under `written` the file is flushed here, so that a clean stop loses nothing even with the power. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (this.#durability === 'written' && this.#failure === undefined) this.#database.env.sync();
    } catch (error) {
      throw new LmdbFailure(failureText('flush', this.path, error), { cause: error });
    } finally {
      // Nothing is under way in a database that is used synchronously only, so this closes at once.
      void this.#database.close();
    }
  }

  /**
   * Pages are written first, then flushed, then the meta page names the new root. An error before the first of these was done
   * leaves the old root and its pages untouched. After that it is not known what the device holds.
   */
  #commitError(error: unknown, flushesBefore: number): Error {
    const pagesWritten = this.#database.env.info().pageFlushes !== flushesBefore;
    if (!pagesWritten && meansFull(error)) return this.#fullError(`the device of ${this.path} is full`, error);
    this.#failure = new LmdbFailure(failureText('commit to', this.path, error), { cause: error });
    return this.#failure;
  }

  /** So that LMDB never meets a full device (file-room.ts). */
  #makeRoom(changes: readonly LmdbChange[], lastPageNumber: number): void {
    const tree = this.#database.env.stat();
    const pages = pagesOfCommit(changes, { ...tree, lastPageNumber });
    try {
      this.#room.require((lastPageNumber + 1) * tree.pageSize, pages * tree.pageSize);
    } catch (error) {
      if (isFullDevice(error)) throw this.#fullError(`the device of ${this.path} is full`, error);
      this.#failure = new LmdbFailure(failureText('extend', this.path, error), { cause: error });
      throw this.#failure;
    }
  }

  #requireUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new LmdbFailure(`the store ${this.path} is closed`);
  }
}

/** The smallest key behind `key`. */
function followerOf(key: Uint8Array): Buffer {
  const follower = Buffer.alloc(key.length + 1);
  follower.set(key);
  return follower;
}

/** Bytes that the changes put into the file. Throws RangeError on a key that LMDB would not take, before anything is written. */
function requireFitting(changes: readonly LmdbChange[]): number {
  let sizeBytes = 0;
  for (const { key, value } of changes) {
    if (key.length === 0 || key.length > KEY_SIZE_MAX) throw new RangeError(`a key of ${key.length} bytes; 1 to ${KEY_SIZE_MAX} fit`);
    if (value !== undefined) sizeBytes += key.length + value.length + CHANGE_OVERHEAD_BYTES;
  }
  return sizeBytes;
}

/** lmdb takes the address of a value's memory. Of shared memory older versions of Node tell none, and it would store what it finds. */
function unsharedBytes(value: Uint8Array): Uint8Array {
  return value.buffer instanceof SharedArrayBuffer ? Buffer.from(value) : value;
}

/** The end of the last page of the newest commit. */
function usedBytesOf(database: LmdbDatabase): number {
  return (database.env.info().lastPageNumber + 1) * database.env.stat().pageSize;
}

/** Pages of files that are mapped and in memory; 0 where the system does not say (Linux does). */
function residentFilePages(): number {
  try {
    return Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[2]);
  } catch {
    return 0;
  }
}
