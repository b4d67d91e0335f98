/**
 * A whole commit whose meta page denies it. When the write of a meta page fails (EIO), LMDB puts the old number of the transaction
 * back, on the new roots, so that the file says: "transaction N - 2", and leads to transaction N. A number that the device has
 * damaged may look the same, byte for byte. In the first case nobody was told of the commit; in the second somebody was. So it is
 * kept, which is right in both: what was not confirmed may be there. It is whole, for its pages were on the device before its meta
 * page was written, and the check of the file has walked through all of them.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { LAST_PAGE_POSITION } from './page-layout.ts';

export type LaterCommit = {
  /** Byte at which its meta page begins. */
  readonly position: number;
  /** The last page that it uses or lists as free. */
  readonly lastPage: number;
  readonly transaction: number;
};

/** Gives the commit the number that it has. On the device when it returns; throws the system's error. */
export function keepLaterCommit(path: string, { position, lastPage, transaction }: LaterCommit): void {
  // Both in one sector of the device, as LMDB relies on for its own writes.
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(lastPage), 0);
  bytes.writeBigUInt64LE(BigInt(transaction), 8);
  const descriptor = openSync(path, 'r+');
  try {
    writeSync(descriptor, bytes, 0, bytes.length, position + LAST_PAGE_POSITION);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
