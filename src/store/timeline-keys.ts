/**
 * Keys of timelines: messages that wait for a time. They sort by it, so that the next ones due stand first, whenever they came.
 *
 * ```
 * 06 | timeline u32 | 00                          its record                       timeline-record.ts
 * 06 | timeline u32 | 01 | due u64 | number u64    a moment, or a span              moment-record.ts, span-record.ts
 * 06 | timeline u32 | 01 | due u64 | number u64 | 01    a moment that was made of spans: as long as these are refined, one that begins with the
 *                                                  same message stands before it     span-refining.ts
 *
 * timeline   id of the queue in whose name the messages wait
 * due        milliseconds since the epoch; of a span, that of its first message
 * number     how many messages had come to the timeline before the first one of it: no other record has it, but for a span and the moment that
 *            its first message went to, and those of one millisecond stay in the order in which they came
 * ```
 * All numbers are big endian.
 */
import { readExtended, writeExtended } from './extended-position.ts';
import { Area } from './store-keys.ts';

export const TimelinePart = { record: 0, moments: 1 } as const;
/** Bytes of | 06 | timeline | part |. */
const PREFIX_BYTES = 6;
const MOMENT_KEY_BYTES = PREFIX_BYTES + 16;
const REFINED_KEY_BYTES = MOMENT_KEY_BYTES + 1;

export const TIMELINES_TO = Buffer.from([Area.timelines + 1]);

/** A place between moments: before all that are later, behind all that are earlier. */
export type Place = { readonly dueMs: number; readonly number: number };

export const BEFORE_ALL: Place = { dueMs: -1, number: -1 };
export const BEHIND_ALL: Place = { dueMs: Infinity, number: Infinity };

/** Before all that are due later than `dueMs`, behind all others. */
export function behindAllDue(dueMs: number): Place {
  return dueMs === Infinity ? BEHIND_ALL : { dueMs: Math.floor(dueMs) + 1, number: -1 };
}

/** Behind all that comes before `place`. */
export function justBefore({ dueMs, number }: Place): Place {
  return { dueMs, number: number - 1 };
}

/** Whether `left` comes after `right`. */
export function isLater(left: Place, right: Place): boolean {
  return left.dueMs > right.dueMs || (left.dueMs === right.dueMs && left.number > right.number);
}

export function laterOf(left: Place, right: Place): Place {
  return isLater(left, right) ? left : right;
}

export function timelinePrefix(timeline: number, part: number): Buffer {
  const key = Buffer.allocUnsafe(PREFIX_BYTES);
  key[0] = Area.timelines;
  key.writeUInt32BE(timeline >>> 0, 1);
  key[5] = part;
  return key;
}

/** Where the keys of a timeline end: a part that none has. */
export function timelineEnd(timeline: number): Buffer {
  return timelinePrefix(timeline, 0xff);
}

export function timelineOf(key: Buffer): number {
  return key.readUInt32BE(1) | 0;
}

/** `isRefined`: it is a moment that was made of spans. */
export function momentKey(timeline: number, { dueMs, number }: Place, isRefined = false): Buffer {
  const key = Buffer.alloc(isRefined ? REFINED_KEY_BYTES : MOMENT_KEY_BYTES, 1);
  timelinePrefix(timeline, TimelinePart.moments).copy(key);
  writeExtended(key, PREFIX_BYTES, dueMs);
  writeExtended(key, PREFIX_BYTES + 8, number);
  return key;
}

export function isRefinedKey(key: Buffer): boolean {
  return key.length === REFINED_KEY_BYTES;
}

/** Where to go on reading behind a place. */
export function keyBehind(timeline: number, place: Place): Buffer {
  if (place.dueMs < 0) return timelinePrefix(timeline, TimelinePart.moments);
  return momentKey(timeline, { dueMs: place.dueMs, number: place.number + 1 });
}

/** Undefined: no key of a moment. */
export function placeOf(key: Buffer): Place | undefined {
  if (key.length !== MOMENT_KEY_BYTES && key.length !== REFINED_KEY_BYTES) return undefined;
  return { dueMs: readExtended(key, PREFIX_BYTES), number: readExtended(key, PREFIX_BYTES + 8) };
}
