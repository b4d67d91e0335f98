/**
 * The store's own record, and the mark of a clean stop.
 *
 * ```
 * key 02   0  CRC-32 u32       of the key and of all that follows
 *          4  'L' 'V' | format u16     the same place in every format, so that each version can tell the others
 *          8  queues u64       records of queues that must be found
 *
 * key 03   0  CRC-32 u32       of the key and of all that follows
 *          4  'L' 'V' | format u16
 * ```
 * All numbers are big endian.
 */
import { type Crc32, isSound, seal } from './checksum.ts';
import { readExtended, writeExtended } from './extended-position.ts';
import type { DiskChange } from './port.ts';
import { CLEAN_STOP_KEY, STORE_KEY } from './store-keys.ts';

/** Rises with every change of a layout that an older version would misread. */
export const STORE_FORMAT = 1;
const MAGIC = 0x4c56;

/** What stands on the disk is nothing that this version can read. The message says what to do. */
export class StoreFormatError extends Error {}

export function storeRecordChange(crc32: Crc32, queues: number): DiskChange {
  const value = markedValue(16);
  writeExtended(value, 8, queues);
  seal(crc32, STORE_KEY, value);
  return { key: STORE_KEY, value };
}

/** How many records of queues there must be. Throws StoreFormatError. */
export function readStoreRecord(crc32: Crc32, value: Buffer): number {
  if (value.length < 8 || value.readUInt16BE(4) !== MAGIC) throw new StoreFormatError(unreadable('is not one of a Leveret store'));
  const format = value.readUInt16BE(6);
  if (format > STORE_FORMAT && isSound(crc32, STORE_KEY, value)) {
    throw new StoreFormatError(
      `The stored messages have format ${format}, and this version of Leveret reads formats up to ${STORE_FORMAT}: ` +
        'start the newer version that wrote them, or give this one another data directory.',
    );
  }
  if (format < STORE_FORMAT && isSound(crc32, STORE_KEY, value)) {
    throw new StoreFormatError(
      `The stored messages have format ${format}, and this version of Leveret reads format ${STORE_FORMAT}: ` +
        'let the older version that wrote them deliver them first, or give this one another data directory.',
    );
  }
  if (value.length !== 16 || !isSound(crc32, STORE_KEY, value)) throw new StoreFormatError(unreadable('does not match its checksum'));
  return readExtended(value, 8);
}

export function unreadable(what: string): string {
  return (
    `The record that says how the stored messages are laid out ${what}: the file is damaged. ` +
    'Restore the data directory from a backup, or move it away to start empty.'
  );
}

export function cleanStopChange(crc32: Crc32): DiskChange {
  const value = markedValue(8);
  seal(crc32, CLEAN_STOP_KEY, value);
  return { key: CLEAN_STOP_KEY, value };
}

/** A mark that is damaged is none: everything counts as delivered before, which is always allowed. */
export function isCleanStop(crc32: Crc32, value: Buffer | undefined): boolean {
  return value !== undefined && value.length === 8 && value.readUInt16BE(4) === MAGIC && isSound(crc32, CLEAN_STOP_KEY, value);
}

function markedValue(bytes: number): Buffer {
  const value = Buffer.alloc(bytes);
  value.writeUInt16BE(MAGIC, 4);
  value.writeUInt16BE(STORE_FORMAT, 6);
  return value;
}
