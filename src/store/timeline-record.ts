/**
 * What a timeline adds up to, written in the same commit as its moments.
 *
 * ```
 *  0  CRC-32 u32           of the key and of all that follows
 *  4  version u8 | 0 | 0 | 0
 *  8  messages u64         in its moments and spans, those counted that did not outlive their process
 * 16  next u64             number of the next message
 * 24  process u32          rises with each process that wrote here
 * ```
 * All numbers are big endian.
 */
import { type Crc32, isSound, seal } from './checksum.ts';
import { readExtended, writeExtended } from './extended-position.ts';
import type { DiskChange } from './port.ts';
import { TimelinePart, timelinePrefix } from './timeline-keys.ts';

export const TIMELINE_RECORD_VERSION = 1;
const BYTES = 28;

export type TimelineRecord = { readonly messages: number; readonly next: number; readonly process: number };

export function timelineRecordChange(crc32: Crc32, timeline: number, { messages, next, process }: TimelineRecord): DiskChange {
  const key = timelinePrefix(timeline, TimelinePart.record);
  const value = Buffer.alloc(BYTES);
  value[4] = TIMELINE_RECORD_VERSION;
  writeExtended(value, 8, messages);
  writeExtended(value, 16, next);
  value.writeUInt32BE(process, 24);
  seal(crc32, key, value);
  return { key, value };
}

/** Undefined: it is damaged, or not there. */
export function readTimelineRecord(crc32: Crc32, timeline: number, value: Buffer | undefined): TimelineRecord | undefined {
  if (value?.length !== BYTES || value[4] !== TIMELINE_RECORD_VERSION) return undefined;
  if (!isSound(crc32, timelinePrefix(timeline, TimelinePart.record), value)) return undefined;
  return { messages: readExtended(value, 8), next: readExtended(value, 16), process: value.readUInt32BE(24) };
}
