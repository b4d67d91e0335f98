/**
 * A record of the journal: the changes of one commit, in their order. It is laid into blocks (journal-block.ts), whose checksums
 * cover all of it.
 *
 * ```
 *  0  bytes u32      of the record, these included
 *  4  changes u32
 *  8  each change:   | key bytes u16 | value bytes u32, or ff ff ff ff: the key goes | key | value |
 * ```
 * All numbers are big endian.
 */
import type { Crc32 } from '../checksum.ts';
import type { DiskChange } from '../port.ts';
import { BLOCK_BYTES, BLOCK_HEAD_BYTES, BLOCK_PAYLOAD_BYTES, sealBlock } from './journal-block.ts';

const RECORD_HEAD_BYTES = 8;
const CHANGE_HEAD_BYTES = 6;
/** LMDB takes no longer ones. */
const KEY_BYTES_MAX = 511;
const REMOVED = 0xffff_ffff;

/** Infinity: there is a key among them that the database may not take. It has to say so before anything is confirmed. */
export function recordBytesOf(changes: readonly DiskChange[]): number {
  let bytes = RECORD_HEAD_BYTES;
  for (const { key, value } of changes) {
    if (key.length === 0 || key.length > KEY_BYTES_MAX) return Infinity;
    bytes += CHANGE_HEAD_BYTES + key.length + (value?.length ?? 0);
  }
  return bytes;
}

export function blocksOf(recordBytes: number): number {
  return Math.ceil(recordBytes / BLOCK_PAYLOAD_BYTES);
}

/** `bytes`: as `recordBytesOf` says. The memory is new: what `readRecord` finds in it may be kept. */
export function writeRecord(changes: readonly DiskChange[], bytes: number): Buffer {
  const record = Buffer.allocUnsafe(bytes);
  record.writeUInt32BE(bytes, 0);
  record.writeUInt32BE(changes.length, 4);
  let at = RECORD_HEAD_BYTES;
  for (const { key, value } of changes) {
    record.writeUInt16BE(key.length, at);
    record.writeUInt32BE(value?.length ?? REMOVED, at + 2);
    record.set(key, at + CHANGE_HEAD_BYTES);
    at += CHANGE_HEAD_BYTES + key.length;
    if (value === undefined) continue;
    record.set(value, at);
    at += value.length;
  }
  return record;
}

/** Views into `record`, which may have zeros behind its end. Undefined: it is not one, although its blocks are sound. */
export function readRecord(record: Buffer): DiskChange[] | undefined {
  if (record.length < RECORD_HEAD_BYTES) return undefined;
  const end = record.readUInt32BE(0);
  const count = record.readUInt32BE(4);
  if (end > record.length) return undefined;
  const changes: DiskChange[] = [];
  let at = RECORD_HEAD_BYTES;
  for (let each = 0; each < count; each++) {
    if (at + CHANGE_HEAD_BYTES > end) return undefined;
    const keyBytes = record.readUInt16BE(at);
    const valueBytes = record.readUInt32BE(at + 2);
    const valueAt = at + CHANGE_HEAD_BYTES + keyBytes;
    const next = valueBytes === REMOVED ? valueAt : valueAt + valueBytes;
    if (next > end) return undefined;
    const value = valueBytes === REMOVED ? undefined : record.subarray(valueAt, next);
    changes.push({ key: record.subarray(at + CHANGE_HEAD_BYTES, valueAt), value });
    at = next;
  }
  return at === end ? changes : undefined;
}

/** Lays a record into whole blocks, into the first bytes of `target`; answers these. */
export function layIntoBlocks(crc32: Crc32, record: Buffer, cycle: number, number: number, target: Buffer): Buffer {
  const blocks = blocksOf(record.length);
  for (let index = 0; index < blocks; index++) {
    const block = target.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
    const copied = record.copy(block, BLOCK_HEAD_BYTES, index * BLOCK_PAYLOAD_BYTES, (index + 1) * BLOCK_PAYLOAD_BYTES);
    block.fill(0, BLOCK_HEAD_BYTES + copied);
    sealBlock(crc32, block, { cycle, record: number, index, blocks });
  }
  return target.subarray(0, blocks * BLOCK_BYTES);
}
