/**
 * A store's file to look into, without LMDB: the reading half of `LmdbDisk`, for a file that another process may be writing. Each call
 * reads what is newest then.
 */
import { BYTE_ORDER } from './key-order.ts';
import { type LmdbFileEntry, readLmdbEntries } from './file-entries.ts';

/** No key is longer. */
const KEY_SIZE_MAX = 511;

export class LmdbFileDisk {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A copy of the value, or undefined. Throws `LmdbFileFault` when the file is damaged, as all here do. */
  get(key: Uint8Array): Buffer | undefined {
    for (const entry of readLmdbEntries(this.path, { after: neighbourBelow(key) })) {
      return entry.key.equals(key) ? entry.value : undefined;
    }
    return undefined;
  }

  /** Keys with `from <= key < to`, in order, without reading their values. */
  *keys(from: Uint8Array, to: Uint8Array): Generator<Buffer, void> {
    for (const { key } of this.#range(from, to, true)) yield key;
  }

  /** The same with copies of the values. */
  entries(from: Uint8Array, to: Uint8Array): Generator<LmdbFileEntry, void> {
    return this.#range(from, to, false);
  }

  commit(): never {
    throw new Error(`assertion failed: ${this.path} is only looked into`);
  }

  *#range(from: Uint8Array, to: Uint8Array, keysOnly: boolean): Generator<LmdbFileEntry, void> {
    const end = Buffer.from(to);
    for (const entry of readLmdbEntries(this.path, { after: neighbourBelow(from), keysOnly })) {
      if (BYTE_ORDER.compare(entry.key, 0, entry.key.length, end, 0, end.length) >= 0) return;
      yield entry;
    }
  }
}

/** A text of bytes between which and `key` no key lies. */
function neighbourBelow(key: Uint8Array): Buffer {
  const last = key[key.length - 1];
  if (last === undefined) return Buffer.alloc(0);
  const stem = Buffer.from(key.subarray(0, key.length - 1));
  return last === 0 ? stem : Buffer.concat([stem, Buffer.of(last - 1), Buffer.alloc(KEY_SIZE_MAX, 0xff)]);
}
