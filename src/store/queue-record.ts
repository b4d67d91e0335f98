/**
 * What a queue's kept messages add up to, written in the same commit as they are. A segment that cannot be found any more is
 * noticed because the rest no longer adds up.
 *
 * ```
 *  0  CRC-32 u32           of the key and of all that follows
 *  4  version u8 | 0 | 0 | 0
 *  8  live u64             messages that are not settled
 * 16  segments u64
 * 24  redelivered u64      all up to this position count as delivered before; 0: none
 * ```
 * All numbers are big endian.
 */
import { type Crc32, isSound, seal } from './checksum.ts';
import { readExtended, writeExtended } from './extended-position.ts';
import type { DiskChange } from './port.ts';
import { QueuePart, queueKey } from './store-keys.ts';

export const QUEUE_RECORD_VERSION = 1;
const BYTES = 32;

export type QueueRecord = {
  readonly live: number;
  readonly segments: number;
  /** Extended position. */
  readonly redelivered: number;
};

export function queueRecordChange(crc32: Crc32, queue: number, { live, segments, redelivered }: QueueRecord): DiskChange {
  const key = queueKey(queue, QueuePart.record);
  const value = Buffer.alloc(BYTES);
  value[4] = QUEUE_RECORD_VERSION;
  writeExtended(value, 8, live);
  writeExtended(value, 16, segments);
  writeExtended(value, 24, redelivered);
  seal(crc32, key, value);
  return { key, value };
}

/** Undefined: it is damaged. */
export function readQueueRecord(crc32: Crc32, queue: number, value: Buffer): QueueRecord | undefined {
  if (value.length !== BYTES || !isSound(crc32, queueKey(queue, QueuePart.record), value)) return undefined;
  if (value[4] !== QUEUE_RECORD_VERSION) return undefined;
  return { live: readExtended(value, 8), segments: readExtended(value, 16), redelivered: readExtended(value, 24) };
}
