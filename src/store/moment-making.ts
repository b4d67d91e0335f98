import type { Crc32 } from './checksum.ts';
import { MOMENT_BYTES_MAX, MOMENT_MESSAGES_MAX, writeMoment } from './moment-record.ts';
import type { MomentRows } from './moment-rows.ts';
import type { DiskChange } from './port.ts';
import { SPAN_BYTES_MAX, SPAN_MESSAGES_MAX, writeSpan } from './span-record.ts';
import { type Place, isLater, momentKey } from './timeline-keys.ts';

/** So many messages of one millisecond are a moment wherever they are due: refining them would gain nothing. */
export const MOMENT_MESSAGES_MIN = 8;

/** `rows`: its messages, in order. */
export type MadeMoment = Place & { readonly rows: Uint32Array; readonly isSpan: boolean };

export type MomentsToMake = {
  readonly crc32: Crc32;
  readonly timeline: number;
  readonly process: number;
  readonly rows: MomentRows;
  /** All rows by time, those of one millisecond by arrival. */
  readonly order: Uint32Array;
  /** What is later may lie in spans. */
  readonly spansBehind: Place;
  /** What is later lies in nothing else: others may stand between two messages of one millisecond. */
  readonly onlySpans: boolean;
  /** Whether a moment must not hold both of these messages of one millisecond: another record stands between them. */
  isSplit?(dueMs: number, arrival: number, next: number): boolean;
};

/**
 * Makes moments and spans of `rows` and adds them to `changes`: of all, or from the `begin`-th in the order on until they have more than `bytesMax`
 * bytes. The number of each is the arrival of its first message, so it is no other's.
 */
export function makeMoments(making: MomentsToMake, changes: DiskChange[], begin = 0, bytesMax = Infinity): readonly MadeMoment[] {
  const { crc32, timeline, process, rows, order, spansBehind, onlySpans } = making;
  const made: MadeMoment[] = [];
  let bytes = 0;
  for (let from = begin; from < order.length && bytes <= bytesMax; ) {
    const place = { dueMs: rows.dueMs(order[from]!), number: rows.arrival(order[from]!) };
    const momentEnd = endOfMoment(making, from);
    const spanEnd = isLater(place, spansBehind) ? endOfSpan(making, from) : from;
    const isSpan = spanEnd > momentEnd || (onlySpans && spanEnd > from);
    const to = isSpan ? spanEnd : momentEnd;
    const which = order.subarray(from, to);
    const key = momentKey(timeline, place, onlySpans && !isSpan);
    const value = isSpan ? writeSpan(crc32, key, process, rows, which) : writeMoment(crc32, key, process, rows, which);
    changes.push({ key, value });
    bytes += value.length;
    made.push({ ...place, rows: which, isSpan });
    from = to;
  }
  return made;
}

function endOfMoment({ rows, order, isSplit }: MomentsToMake, from: number): number {
  const dueMs = rows.dueMs(order[from]!);
  let bytes = rows.size(order[from]!);
  let to = from + 1;
  for (; to < order.length && to - from < MOMENT_MESSAGES_MAX && rows.dueMs(order[to]!) === dueMs; to++) {
    bytes += rows.size(order[to]!);
    if (bytes > MOMENT_BYTES_MAX || isSplit?.(dueMs, rows.arrival(order[to - 1]!), rows.arrival(order[to]!)) === true) break;
  }
  return to;
}

/** Up to what is a moment by itself. `from`: that begins here. */
function endOfSpan(making: MomentsToMake, from: number): number {
  const { rows, order, onlySpans } = making;
  let bytes = 0;
  let to = from;
  for (; to < order.length && to - from < SPAN_MESSAGES_MAX; to++) {
    bytes += rows.size(order[to]!);
    if (bytes > SPAN_BYTES_MAX && to > from) break;
    const isFirst = to === from || rows.dueMs(order[to]!) !== rows.dueMs(order[to - 1]!);
    if (!onlySpans && isFirst && endOfMoment(making, to) - to >= MOMENT_MESSAGES_MIN) break;
  }
  return to;
}
