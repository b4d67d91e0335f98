/**
 * A span: messages of a timeline that are due at different times, in the order of these. What comes in one group and is due far apart would be
 * a record a message else, each on a page of its own. Nothing of a span is handed out: when its time comes near it is refined, together with
 * those that lie beside it, into moments (span-refining.ts).
 *
 * ```
 *  0  CRC-32 u32           of the key and of all that follows
 *  4  version u8 | 0 | count u16
 *  8  process u32          of the process that wrote it (timeline-record.ts)
 * 12  size u32 x count     bytes of each message's record
 *     flags u8 x count     MomentFlag
 *     due u64 x count      the first one is that of the key
 *     arrival u64 x count  MomentRows; the first one is the number in the key
 *     the records, one behind the other
 * ```
 * All numbers are big endian. The head is that of a moment.
 */
import { type Crc32, isSound, seal } from './checksum.ts';
import { readExtended, writeExtended } from './extended-position.ts';
import { MomentFlag } from './moment-record.ts';
import type { MomentRows } from './moment-rows.ts';

export const SPAN_VERSION = 2;
/** Messages of a span: a page or more, and few enough that what is read too early does not count. Fits a u16. */
export const SPAN_MESSAGES_MAX = 64;
/** Bytes of the records of a span. Larger messages are moments. */
export const SPAN_BYTES_MAX = 16 * 1024;
const HEAD_BYTES = 12;
const ROW_BYTES = 21;

export function isSpan(value: Buffer): boolean {
  return value[4] === SPAN_VERSION;
}

/** The record of the rows that `which` names, in that order. */
export function writeSpan(crc32: Crc32, key: Buffer, process: number, rows: MomentRows, which: Uint32Array): Buffer {
  let bytes = HEAD_BYTES + ROW_BYTES * which.length;
  for (const row of which) bytes += rows.size(row);
  const value = Buffer.allocUnsafe(bytes);
  value.writeUInt32BE((SPAN_VERSION << 24) | which.length, 4);
  value.writeUInt32BE(process, 8);
  const { flagsFrom, duesFrom, arrivalsFrom, recordsFrom } = offsets(which.length);
  let at = recordsFrom;
  for (const [index, row] of which.entries()) {
    const size = rows.size(row);
    value.writeUInt32BE(size, HEAD_BYTES + 4 * index);
    value[flagsFrom + index] = rows.flags(row);
    writeExtended(value, duesFrom + 8 * index, rows.dueMs(row));
    writeExtended(value, arrivalsFrom + 8 * index, rows.arrival(row));
    rows.copy(row, value, at);
    at += size;
  }
  seal(crc32, key, value);
  return value;
}

/** A message of a span; its record stands in the value from `at` on. `isLost`: it did not outlive its process. */
export type FoundInSpan = (dueMs: number, arrival: number, flags: number, at: number, size: number, isLost: boolean) => void;

/** Tells `found` of all messages, in order. False: it is damaged, and nobody was told of anything. */
export function readSpan(crc32: Crc32, key: Buffer, value: Buffer, process: number, found: FoundInSpan): boolean {
  if (value.length < HEAD_BYTES || !isSpan(value) || !isSound(crc32, key, value)) return false;
  const count = value.readUInt16BE(6);
  const isOlder = value.readUInt32BE(8) !== process;
  const { flagsFrom, duesFrom, arrivalsFrom, recordsFrom } = offsets(count);
  let at = recordsFrom;
  for (let index = 0; index < count; index++) {
    const size = value.readUInt32BE(HEAD_BYTES + 4 * index);
    const flags = value[flagsFrom + index]!;
    const isLost = isOlder && (flags & MomentFlag.persistent) === 0;
    found(readExtended(value, duesFrom + 8 * index), readExtended(value, arrivalsFrom + 8 * index), flags, at, size, isLost);
    at += size;
  }
  return true;
}

function offsets(count: number): { readonly flagsFrom: number; readonly duesFrom: number; readonly arrivalsFrom: number; readonly recordsFrom: number } {
  const flagsFrom = HEAD_BYTES + 4 * count;
  const duesFrom = flagsFrom + count;
  return { flagsFrom, duesFrom, arrivalsFrom: duesFrom + 8 * count, recordsFrom: duesFrom + 16 * count };
}
