import { closeSync, existsSync, fsyncSync, openSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { open } from 'lmdb';
import type { RootDatabase, RootDatabaseOptions } from 'lmdb';
import { checkLmdbFile } from './file-check.ts';
import { LmdbFailure, LmdbFullError, failureText, meansFull } from './lmdb-errors.ts';

/**
 * An ordered map of bytes in one LMDB file, synchronous throughout: for a thread of its own that has nothing to do while the
 * device writes. One thread is the only user of it; that no second process opens it is the data directory's affair
 * (`native-free-io/file`).
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
/** What one step of an iteration reads before it ends its read transaction: whichever comes first. */
const READ_ENTRIES_MAX = 256;
const READ_BYTES_MAX = 1 << 20;
/** Page headers, tree nodes and what is copied beside a value, generously. */
const CHANGE_OVERHEAD_BYTES = 64;

/** What lmdb offers and its types do not show. */
type LmdbEnvironment = {
  readonly env: { sync(): void; info(): { readonly pageFlushes: number; readonly lastPageNumber: number } };
};
type LmdbTree = {
  readonly pageSize: number;
  readonly entryCount: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
};
type LmdbDatabase = RootDatabase<Buffer, Uint8Array> & LmdbEnvironment;

export class LmdbDisk {
  readonly path: string;
  readonly #database: LmdbDatabase;
  readonly #durability: LmdbDurability;
  readonly #fullError: (text: string, cause: unknown) => Error;
  #failure: LmdbFailure | undefined;
  #closed = false;

  private constructor(database: LmdbDatabase, options: LmdbDiskOptions) {
    this.path = options.path;
    this.#database = database;
    this.#durability = options.durability;
    this.#fullError = options.fullError ?? ((text, cause) => new LmdbFullError(text, { cause }));
  }

  /** Throws LmdbFailure when the file cannot be opened or is no database. */
  static open(options: LmdbDiskOptions): LmdbDisk {
    const { path } = options;
    const fresh = !holdsBytes(path);
    if (!fresh) requireSound(path);
    try {
      const disk = new LmdbDisk(open<Buffer, Uint8Array>(path, settingsOf(options)) as LmdbDatabase, options);
      if (fresh && options.durability === 'flushed') flushDirectory(dirname(path));
      return disk;
    } catch (error) {
      throw new LmdbFailure(failureText('open', path, error), { cause: error });
    }
  }

  /** A copy of the value, or undefined. */
  get(key: Uint8Array): Buffer | undefined {
    this.#requireUsable();
    return this.#database.getBinary(key);
  }

  /**
   * Keys with `from <= key < to`, in order. Read in steps, so no read transaction outlives a step (it would keep LMDB from using
   * pages again): what is committed during an iteration is seen by the steps that follow.
   */
  *keys(from: Uint8Array, to: Uint8Array): Iterable<Buffer> {
    for (let start: Uint8Array | undefined = from; start !== undefined; ) {
      this.#requireUsable();
      const step: Buffer[] = [];
      for (const key of this.#database.getKeys({ start, end: to, limit: READ_ENTRIES_MAX })) step.push(key as Buffer);
      start = step.length < READ_ENTRIES_MAX ? undefined : followerOf(step[step.length - 1]!);
      yield* step;
    }
  }

  /** The same with copies of the values. */
  *entries(from: Uint8Array, to: Uint8Array): Iterable<LmdbEntry> {
    for (let start: Uint8Array | undefined = from; start !== undefined; ) {
      this.#requireUsable();
      const step: LmdbEntry[] = [];
      let sizeBytes = 0;
      for (const entry of this.#database.getRange({ start, end: to, limit: READ_ENTRIES_MAX })) {
        step.push(entry as LmdbEntry);
        sizeBytes += entry.value.length;
        if (sizeBytes >= READ_BYTES_MAX) break;
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
    if (writtenBytes > 0 && this.#roomBytes() < writtenBytes + ROOM_SPARE_BYTES) {
      throw this.#fullError(`the device of ${this.path} is full: ${writtenBytes} bytes are to be stored`, undefined);
    }
    const flushesBefore = this.#database.env.info().pageFlushes;
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
  }

  stats(): LmdbStats {
    this.#requireUsable();
    const stats = this.#database.getStats() as LmdbTree & { readonly free: LmdbTree; readonly lastPageNumber: number };
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

  #roomBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  #requireUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new LmdbFailure(`the store ${this.path} is closed`);
  }
}

/** `trackMetrics` is missing in the types: its counters tell how far a commit came that failed. */
function settingsOf(options: LmdbDiskOptions): RootDatabaseOptions {
  const settings = {
    noSubdir: true,
    maxDbs: 1,
    mapSize: options.mapSizeBytes,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
    noSync: options.durability === 'written',
    trackMetrics: true,
  } as const;
  return settings;
}

const META_PAGES = 2;

function pagesOf(tree: LmdbTree): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
}

function holdsBytes(path: string): boolean {
  return existsSync(path) && statSync(path).size > 0;
}

/** LMDB itself crashes the process when it opens what is no database, and when it reads a damaged page. */
function requireSound(path: string): void {
  const check = checkLmdbFile(path);
  if (!check.sound) throw new LmdbFailure(`the store ${path} is damaged, or is no store: ${check.fault}`);
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

/** lmdb takes the address of a value's memory and gets none for shared memory: it would write whatever stands elsewhere. */
function unsharedBytes(value: Uint8Array): Buffer {
  if (value.buffer instanceof SharedArrayBuffer) return Buffer.from(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** A new file survives the loss of power when its name does. */
function flushDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
