/**
 * The keys of everything that the store keeps. All of a queue lies together, and a segment's three records side by side, so that
 * a commit for a queue touches few pages. The key of an index tells enough to count messages without a look at any value.
 *
 * ```
 * 01 ...                        definitions; they say themselves what follows
 * 02                            the store's own record               store-record.ts
 * 03                            the mark of a clean stop             store-record.ts
 * 04 | queue u32 | 00           the record of a queue                queue-record.ts
 * 04 | queue u32 | 01 ...       its segments of kept messages, 02 ... of paged ones
 * 05 ...                        segments of bodies that several queues share
 * 06 | timeline u32 | ...       messages in the order of their time         timeline-keys.ts
 * f0                            which records of the journal count   journal/journal-mark.ts
 *
 * a segment, behind one of these prefixes (all numbers big endian):
 *      | first u64 | 00 | count u16 | span u16 | shape u8 |     index       index-record.ts
 *      | first u64 | 01 |                                       contents: the inline records, one behind the other
 *      | first u64 | 02 |                                       state       state-record.ts
 *
 * first   number of the first message: its position, extended; of a shared body: its number
 * count   messages in the segment
 * span    numbers from the first to the last one, both counted
 * shape   bits: Shape
 * ```
 */
import { readExtended, writeExtended } from './extended-position.ts';

export const Area = { definitions: 1, store: 2, cleanStop: 3, queues: 4, shared: 5, timelines: 6, journal: 0xf0 } as const;
export const QueuePart = { record: 0, kept: 1, paged: 2 } as const;
export const SegmentPart = { index: 0, contents: 1, state: 2 } as const;

/** What an index has beside the sizes. */
export const Shape = {
  /** There is a column of flags. */
  flagged: 1,
  /** Some messages are references to shared bodies: their numbers follow the flags. */
  referring: 2,
  /** There is a column of priorities. */
  ranked: 4,
} as const;

export const STORE_KEY = Buffer.from([Area.store]);
export const CLEAN_STOP_KEY = Buffer.from([Area.cleanStop]);
export const JOURNAL_KEY = Buffer.from([Area.journal]);
export const QUEUES_FROM = Buffer.from([Area.queues]);
export const QUEUES_TO = Buffer.from([Area.queues + 1]);
export const SHARED_PREFIX = Buffer.from([Area.shared]);
export const SHARED_TO = Buffer.from([Area.shared + 1]);
export const QUEUE_KEY_BYTES = 6;

const INDEX_TAIL_BYTES = 5;

/** What an index's key says. */
export type IndexKey = { readonly first: number; readonly count: number; readonly span: number; readonly shape: number };

/** The key of a queue's record, and what the keys of its segments begin with. */
export function queueKey(queue: number, part: number): Buffer {
  const key = Buffer.allocUnsafe(QUEUE_KEY_BYTES);
  key[0] = Area.queues;
  key.writeUInt32BE(queue >>> 0, 1);
  key[5] = part;
  return key;
}

/** Where the keys of a queue end: a part that no queue has. */
export function queueKeysEnd(queue: number): Buffer {
  return queueKey(queue, 0xff);
}

/** The key of contents or state. */
export function partKey(prefix: Buffer, first: number, part: number): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + 9);
  key.set(prefix);
  writeExtended(key, prefix.length, first);
  key[prefix.length + 8] = part;
  return key;
}

export function indexKey(prefix: Buffer, { first, count, span, shape }: IndexKey): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + 9 + INDEX_TAIL_BYTES);
  key.set(prefix);
  writeExtended(key, prefix.length, first);
  key[prefix.length + 8] = SegmentPart.index;
  key.writeUInt16BE(count, prefix.length + 9);
  key.writeUInt16BE(span, prefix.length + 11);
  key[prefix.length + 13] = shape;
  return key;
}

/** Which part of a segment `key` is, or -1 when it is none. */
export function segmentPartOf(key: Buffer, prefixBytes: number): number {
  const part = key.length > prefixBytes + 8 ? key[prefixBytes + 8]! : -1;
  const tail = key.length - prefixBytes - 9;
  if (part === SegmentPart.index) return tail === INDEX_TAIL_BYTES ? part : -1;
  return tail === 0 && (part === SegmentPart.contents || part === SegmentPart.state) ? part : -1;
}

export function firstOf(key: Buffer, prefixBytes: number): number {
  return readExtended(key, prefixBytes);
}

export function readIndexKey(key: Buffer, prefixBytes: number): IndexKey {
  return {
    first: readExtended(key, prefixBytes),
    count: key.readUInt16BE(prefixBytes + 9),
    span: key.readUInt16BE(prefixBytes + 11),
    shape: key[prefixBytes + 13]!,
  };
}
