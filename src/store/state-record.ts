/**
 * What became of a segment's messages since it was written. There is none while all of them are as they came.
 *
 * ```
 *  0  CRC-32 u32                of the key and of all that follows
 *  4  version u8 | 0 | live u16
 *  8  gone u32 x ceil(span/32)  a bit each number of the span: settled, or never a message
 *     | offset u16 | deliveries u16 | ...   of those that came back to their queue
 * ```
 * All numbers are big endian.
 */
import { type Crc32, isSound, seal } from './checksum.ts';
import { SegmentPart, partKey } from './store-keys.ts';
import type { DiskChange } from './port.ts';
import { type Segment, bitsOf } from './segment.ts';

export const STATE_VERSION = 1;
const HEAD_BYTES = 8;

export function stateChange(crc32: Crc32, prefix: Buffer, segment: Segment): DiskChange {
  const key = partKey(prefix, segment.first, SegmentPart.state);
  const { gone, deliveries, span } = segment;
  let counted = 0;
  for (let offset = 0; deliveries !== undefined && offset < span; offset++) {
    if (deliveries[offset] !== 0 && segment.holds(offset)) counted++;
  }
  const value = Buffer.alloc(HEAD_BYTES + 4 * gone.length + 4 * counted);
  value[4] = STATE_VERSION;
  value.writeUInt16BE(segment.live, 6);
  let at = HEAD_BYTES;
  for (let word = 0; word < gone.length; word++, at += 4) value.writeUInt32BE(gone[word]!, at);
  for (let offset = 0; at < value.length; offset++) {
    if (deliveries![offset] === 0 || !segment.holds(offset)) continue;
    value.writeUInt16BE(offset, at);
    value.writeUInt16BE(deliveries![offset]!, at + 2);
    at += 4;
  }
  seal(crc32, key, value);
  return { key, value };
}

/** Applies a state record to the segment, fresh from its key. Answers false when the record is damaged or does not fit. */
export function applyState(crc32: Crc32, key: Buffer, value: Buffer | undefined, segment: Segment): boolean {
  const words = (segment.span + 31) >>> 5;
  if (value === undefined || !isSound(crc32, key, value) || value.length < HEAD_BYTES + 4 * words) return false;
  if (value[4] !== STATE_VERSION || (value.length - HEAD_BYTES) % 4 !== 0) return false;
  const gone = new Uint32Array(words);
  let live = segment.span;
  for (let word = 0; word < words; word++) {
    gone[word] = value.readUInt32BE(HEAD_BYTES + 4 * word);
    const beyond = word === words - 1 && (segment.span & 31) !== 0 ? -1 << (segment.span & 31) : 0;
    live -= bitsOf(gone[word]! & ~beyond);
  }
  if (live !== value.readUInt16BE(6) || live === 0 || live > segment.count) return false;
  segment.adopt(gone);
  segment.live = live;
  segment.stateWritten = true;
  for (let at = HEAD_BYTES + 4 * words; at < value.length; at += 4) {
    segment.setDeliveries(value.readUInt16BE(at), value.readUInt16BE(at + 2));
  }
  return true;
}
