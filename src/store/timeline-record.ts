/**
 * What a timeline adds up to, written in the same commit as its moments.
 *
 * ```
 *  0  CRC-32 u32           of the key and of all that follows
 *  4  version u8 | 0 | 0 | 0
 *  8  messages u64         in its moments and spans, those counted that did not outlive their process
 * 16  next u64             number of the next message
 * 24  process u32          rises with each process that wrote here
 * 28  gone u64             milliseconds since the epoch: what is due then or before may have gone out before. Not in version 1; 0: nothing
 *
 *     of version 3, while spans are being refined      refining-progress.ts
 * 36  arrivals u64         what came later is not among these spans
 * 44  from, next, through: due u64 | number u64 each, both more by one
 * ```
 * All numbers are big endian.
 */
import { type Crc32, isSound, seal } from './checksum.ts';
import { readExtended, writeExtended } from './extended-position.ts';
import type { DiskChange } from './port.ts';
import type { RefiningProgress } from './refining-progress.ts';
import { type Place, TimelinePart, timelinePrefix } from './timeline-keys.ts';

export const TIMELINE_RECORD_VERSION = 2;
export const REFINING_RECORD_VERSION = 3;
const VERSION_1_BYTES = 28;
const BYTES = 36;
const REFINING_BYTES = 92;

export type TimelineRecord = {
  readonly messages: number;
  readonly next: number;
  readonly process: number;
  readonly goneMs: number;
  /** Undefined: no spans are being refined. */
  readonly refining?: RefiningProgress | undefined;
};

export function timelineRecordChange(crc32: Crc32, timeline: number, { messages, next, process, goneMs, refining }: TimelineRecord): DiskChange {
  const key = timelinePrefix(timeline, TimelinePart.record);
  const value = Buffer.alloc(refining === undefined ? BYTES : REFINING_BYTES);
  value[4] = refining === undefined ? TIMELINE_RECORD_VERSION : REFINING_RECORD_VERSION;
  writeExtended(value, 8, messages);
  writeExtended(value, 16, next);
  value.writeUInt32BE(process, 24);
  writeExtended(value, 28, goneMs);
  if (refining !== undefined) {
    writeExtended(value, 36, refining.arrivals);
    writePlace(value, 44, refining.from);
    writePlace(value, 60, refining.next);
    writePlace(value, 76, refining.through);
  }
  seal(crc32, key, value);
  return { key, value };
}

/** Undefined: it is damaged, or not there. */
export function readTimelineRecord(crc32: Crc32, timeline: number, value: Buffer | undefined): TimelineRecord | undefined {
  if (value === undefined || !isSound(crc32, timelinePrefix(timeline, TimelinePart.record), value)) return undefined;
  const bytes = { 1: VERSION_1_BYTES, [TIMELINE_RECORD_VERSION]: BYTES, [REFINING_RECORD_VERSION]: REFINING_BYTES }[value[4]!];
  if (value.length !== bytes) return undefined;
  const goneMs = bytes === VERSION_1_BYTES ? 0 : readExtended(value, 28);
  const record = { messages: readExtended(value, 8), next: readExtended(value, 16), process: value.readUInt32BE(24), goneMs };
  if (bytes !== REFINING_BYTES) return record;
  const refining = { arrivals: readExtended(value, 36), from: readPlace(value, 44), next: readPlace(value, 60), through: readPlace(value, 76) };
  return { ...record, refining };
}

/** BEFORE_ALL is below 0, BEHIND_ALL above everything that can be written. */
function writePlace(value: Buffer, at: number, { dueMs, number }: Place): void {
  writeExtended(value, at, Math.min(dueMs + 1, Number.MAX_SAFE_INTEGER));
  writeExtended(value, at + 8, Math.min(number + 1, Number.MAX_SAFE_INTEGER));
}

function readPlace(value: Buffer, at: number): Place {
  return { dueMs: readExtended(value, at) - 1, number: readExtended(value, at + 8) - 1 };
}
