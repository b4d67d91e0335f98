/**
 * The two ports of the store: below it a disk, beside it the memory of messages. The store itself (`store.ts`) is plain code that
 * a simulation runs over a disk that loses and tears; in production the disk is LMDB, and one thread owns it.
 *
 * Everything is synchronous: the store has a thread of its own, and what arrives while a commit runs is the next group.
 */

/** An ordered map of bytes on a device. Keys sort as unsigned bytes; shorter first. */
export interface Disk {
  /** A copy of the value, or undefined. */
  get(key: Uint8Array): Buffer | undefined;
  /** Keys with `from <= key < to`, in order, without reading their values. */
  keys(from: Uint8Array, to: Uint8Array): Iterable<Buffer>;
  /** The same with copies of the values. `stepBytes`: whoever asks will hardly read more of them, so no more are copied ahead. */
  entries(from: Uint8Array, to: Uint8Array, stepBytes?: number): Iterable<DiskEntry>;
  /**
   * One transaction: all of it, or nothing. When it returns, it is on the device (durability `flushed`). When it throws, nobody
   * knows what stands there: it is never tried again, and nothing is confirmed any more. `DiskFullError` alone leaves the disk as
   * it was before.
   */
  commit(changes: readonly DiskChange[]): void;
}

export type DiskEntry = { readonly key: Buffer; readonly value: Buffer };

/** `value` undefined: the key goes. The bytes are not changed before `commit` has returned. */
export type DiskChange = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

/** Nothing was written, and nothing is lost: there is no room. */
export class DiskFullError extends Error {}

/** Messages in shared memory. To the store a message is a record of bytes that it neither reads nor changes. */
export interface StoreMemory {
  /** The record at `address`: a view, good until the lease on it ends. */
  recordOf(address: number): Buffer;
  /** Bytes of that record. */
  sizeOf(address: number): number;
  /** Copies the `size` bytes of that record into `target`, from `at` on: without making an object for each message. */
  copy(address: number, size: number, target: Buffer, at: number): void;
  /** Ends one lease. */
  release(address: number): void;
  /** Writes a record that was read back, with one lease for whom it is handed to. 0: memory is exhausted. */
  write(record: Uint8Array): number;
  /** A number that the store alone writes into the message: where its body was kept first, 0 as yet nowhere. int32. */
  placeOf(address: number): number;
  setPlace(address: number, place: number): void;
}

/** A file of whole blocks in front of the disk, which is written and flushed with one call (`journal/`). */
export interface JournalFile {
  /** All that stands in it. Undefined: there is none. */
  read(): Buffer | undefined;
  /** A new one of `blocks` blocks like `block`, on the device when it returns. Throws DiskFullError, and then nothing was changed. */
  make(block: Uint8Array, blocks: number): void;
  /**
   * When it returns, the bytes are on the device (durability `flushed`). `DiskFullError`: nobody knows what stands there. After any other
   * error nothing is confirmed any more.
   */
  write(bytes: Uint8Array, at: number): void;
}
