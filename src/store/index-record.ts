/**
 * The index of a segment: how large its messages are, where they lie, and which bodies are elsewhere. Recovery reads it and leaves
 * the contents alone.
 *
 * ```
 *  0  CRC-32 u32           of the key and of all that follows
 *  4  version u8 | 0 | 0 | 0
 *  8  CRC-32 u32           of the contents' key and the contents
 * 12  size u32 x count     bytes of each message's record
 *     offset u16 x count   number - first; only when the segment has holes (count < span)
 *     flags u8 x count     only with Shape.flagged: RowFlag
 *     priority u8 x count  only with Shape.ranked
 *     number u64 ...       only with Shape.referring: of the shared body, one for each row that is RowFlag.reference
 * ```
 * All numbers are big endian. Count, span and shape stand in the key (store-keys.ts).
 */
import { LEVEL_SHIFT } from '../broker/queue/ledger-layout.ts';
import { type Crc32, isSound, seal } from './checksum.ts';
import { readExtended, writeExtended } from './extended-position.ts';
import { type IndexKey, Shape } from './store-keys.ts';

export const INDEX_VERSION = 1;
const HEAD_BYTES = 12;

export const RowFlag = {
  /** It had been delivered before it came here. */
  redelivered: 1,
  /** The body is a shared one. */
  reference: 4,
  /** Its publisher said how long it may wait. */
  expiring: 8,
  /** It was published as one that may be there twice. */
  repeated: 16,
} as const;

/** The columns of a segment, as they are built and as they are read. Rows beyond the count hold nothing of worth. */
export type Rows = {
  readonly sizes: Uint32Array;
  readonly offsets: Uint16Array;
  /** RowFlag, and the priority in the bits of LEVEL_MASK. */
  readonly flags: Uint32Array;
  /** Numbers of shared bodies; 0 where there is none. */
  readonly references: Float64Array;
};

export type SegmentIndex = Rows & {
  /** Where each record begins in the contents; one more at the end. */
  readonly starts: Uint32Array;
  readonly contentsCrc: number;
};

export function makeRows(count: number): Rows {
  return {
    sizes: new Uint32Array(count),
    offsets: new Uint16Array(count),
    flags: new Uint32Array(count),
    references: new Float64Array(count),
  };
}

/** Bytes of an index with so many rows, references among them. */
export function indexBytes({ count, span, shape }: IndexKey, references: number): number {
  const columns = 4 + (count < span ? 2 : 0) + ((shape & Shape.flagged) !== 0 ? 1 : 0) + ((shape & Shape.ranked) !== 0 ? 1 : 0);
  return HEAD_BYTES + columns * count + 8 * references;
}

/** Writes the index into `value`, which has `indexBytes` bytes. */
export function writeIndex(crc32: Crc32, key: Buffer, { count, span, shape }: IndexKey, rows: Rows, contentsCrc: number, value: Buffer): void {
  const { sizes, offsets, flags, references } = rows;
  value.writeUInt32BE(INDEX_VERSION << 24, 4);
  value.writeUInt32BE(contentsCrc, 8);
  let at = HEAD_BYTES;
  for (let row = 0; row < count; row++, at += 4) value.writeUInt32BE(sizes[row]!, at);
  if (count < span) for (let row = 0; row < count; row++, at += 2) value.writeUInt16BE(offsets[row]!, at);
  if ((shape & Shape.flagged) !== 0) for (let row = 0; row < count; row++) value[at++] = flags[row]!;
  if ((shape & Shape.ranked) !== 0) for (let row = 0; row < count; row++) value[at++] = flags[row]! >>> LEVEL_SHIFT;
  if ((shape & Shape.referring) !== 0) {
    for (let row = 0; row < count; row++) {
      if (references[row] === 0) continue;
      writeExtended(value, at, references[row]!);
      at += 8;
    }
  }
  seal(crc32, key, value);
}

/** Undefined: it is damaged. */
export function readIndex(crc32: Crc32, key: Buffer, told: IndexKey, value: Buffer): SegmentIndex | undefined {
  const { count, span, shape } = told;
  if (!isSound(crc32, key, value) || value.length < indexBytes(told, 0) || value[4] !== INDEX_VERSION) return undefined;
  const rows = makeRows(count);
  const starts = new Uint32Array(count + 1);
  let at = HEAD_BYTES;
  for (let row = 0; row < count; row++, at += 4) rows.sizes[row] = value.readUInt32BE(at);
  for (let row = 0; row < count; row++) {
    rows.offsets[row] = count < span ? value.readUInt16BE(at) : row;
    if (count < span) at += 2;
  }
  if ((shape & Shape.flagged) !== 0) for (let row = 0; row < count; row++) rows.flags[row] = value[at++]!;
  if ((shape & Shape.ranked) !== 0) for (let row = 0; row < count; row++) rows.flags[row]! |= value[at++]! << LEVEL_SHIFT;
  for (let row = 0; row < count; row++) {
    const referring = (rows.flags[row]! & RowFlag.reference) !== 0;
    starts[row + 1] = starts[row]! + (referring ? 0 : rows.sizes[row]!);
    if (!referring) continue;
    if (at + 8 > value.length) return undefined;
    rows.references[row] = readExtended(value, at);
    at += 8;
  }
  return at === value.length ? { ...rows, starts, contentsCrc: value.readUInt32BE(8) } : undefined;
}

/** The row of the message at `offset`, or -1. */
export function rowAt({ offsets }: Rows, count: number, offset: number): number {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (offsets[middle]! === offset) return middle;
    if (offsets[middle]! < offset) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
