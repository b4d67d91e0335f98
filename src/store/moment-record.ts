/**
 * A moment: messages of a timeline that came in one commit and are due in the same millisecond. It is written once and goes as a
 * whole, when all of them have found their queues.
 *
 * ```
 *  0  CRC-32 u32           of the key and of all that follows
 *  4  version u8 | 0 | count u16
 *  8  process u32          of the process that wrote it (timeline-record.ts)
 * 12  size u32 x count     bytes of each message's record
 *     flags u8 x count     MomentFlag
 *     the records, one behind the other
 * ```
 * All numbers are big endian.
 */
import { type Crc32, isSound, seal } from './checksum.ts';
import type { MomentRows } from './moment-rows.ts';

export const MOMENT_VERSION = 1;
/** Messages of a moment. Fits a u16. */
export const MOMENT_MESSAGES_MAX = 1024;
/** Bytes of the records of a moment. A larger message is a moment by itself. */
export const MOMENT_BYTES_MAX = 64 * 1024;
const HEAD_BYTES = 12;

export const MomentFlag = {
  /** It outlives the process. */
  persistent: 1,
  /** It may have come here before. */
  redelivered: 2,
} as const;

/** The record of the rows that `which` names, in that order. */
export function writeMoment(crc32: Crc32, key: Buffer, process: number, rows: MomentRows, which: Uint32Array): Buffer {
  let bytes = HEAD_BYTES + 5 * which.length;
  for (const row of which) bytes += rows.size(row);
  const value = Buffer.allocUnsafe(bytes);
  value.writeUInt32BE((MOMENT_VERSION << 24) | which.length, 4);
  value.writeUInt32BE(process, 8);
  let at = HEAD_BYTES;
  for (const row of which) at = value.writeUInt32BE(rows.size(row), at);
  for (const row of which) value[at++] = rows.flags(row);
  for (const row of which) {
    rows.copy(row, value, at);
    at += rows.size(row);
  }
  seal(crc32, key, value);
  return value;
}

export type ReadMoment = {
  readonly count: number;
  /** Records of those messages that are still there, in order: views. */
  readonly records: readonly Buffer[];
  /** MomentFlag of each of these. */
  readonly flags: readonly number[];
};

/** Without the messages that did not outlive their process. Undefined: it is damaged. */
export function readMoment(crc32: Crc32, key: Buffer, value: Buffer, process: number): ReadMoment | undefined {
  if (value.length < HEAD_BYTES || !isSound(crc32, key, value) || value[4] !== MOMENT_VERSION) return undefined;
  const count = value.readUInt16BE(6);
  const isOlder = value.readUInt32BE(8) !== process;
  const flagsFrom = HEAD_BYTES + 4 * count;
  const records: Buffer[] = [];
  const flags: number[] = [];
  let at = flagsFrom + count;
  for (let row = 0; row < count; row++) {
    const end = at + value.readUInt32BE(HEAD_BYTES + 4 * row);
    if (!isOlder || (value[flagsFrom + row]! & MomentFlag.persistent) !== 0) {
      records.push(value.subarray(at, end));
      flags.push(value[flagsFrom + row]!);
    }
    at = end;
  }
  return at === value.length ? { count, records, flags } : undefined;
}
