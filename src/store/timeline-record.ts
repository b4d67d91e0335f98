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
 * ```
 * All numbers are big endian.
 */
import { type Crc32, isSound, seal } from './checksum.ts';
import { readExtended, writeExtended } from './extended-position.ts';
import type { DiskChange } from './port.ts';
import { TimelinePart, timelinePrefix } from './timeline-keys.ts';

export const TIMELINE_RECORD_VERSION = 2;
const BYTES = 36;
const VERSION_1_BYTES = 28;

export type TimelineRecord = { readonly messages: number; readonly next: number; readonly process: number; readonly goneMs: number };

export function timelineRecordChange(crc32: Crc32, timeline: number, { messages, next, process, goneMs }: TimelineRecord): DiskChange {
  const key = timelinePrefix(timeline, TimelinePart.record);
  const value = Buffer.alloc(BYTES);
  value[4] = TIMELINE_RECORD_VERSION;
  writeExtended(value, 8, messages);
  writeExtended(value, 16, next);
  value.writeUInt32BE(process, 24);
  writeExtended(value, 28, goneMs);
  seal(crc32, key, value);
  return { key, value };
}

/** Undefined: it is damaged, or not there. */
export function readTimelineRecord(crc32: Crc32, timeline: number, value: Buffer | undefined): TimelineRecord | undefined {
  if (value === undefined || !isSound(crc32, timelinePrefix(timeline, TimelinePart.record), value)) return undefined;
  const isFirst = value.length === VERSION_1_BYTES && value[4] === 1;
  if (!isFirst && (value.length !== BYTES || value[4] !== TIMELINE_RECORD_VERSION)) return undefined;
  const goneMs = isFirst ? 0 : readExtended(value, 28);
  return { messages: readExtended(value, 8), next: readExtended(value, 16), process: value.readUInt32BE(24), goneMs };
}
