/**
 * Spans that come next in a timeline become moments: many are read together, and what is due before the first record that was not read lies
 * complete in memory, in order. What is due later becomes spans again, which cover less time each.
 *
 * ```
 *   | span ----------|                        before: each from another group
 *      | span ---------|
 *         | span ----------|
 *            | next record, not read
 *   |m|m|m|m| span | span |                   after: moments up to there, shorter spans behind
 * ```
 *
 * So a message is written two or three times, however many groups have brought what is due beside it.
 */
import { type MadeMoment, makeMoments } from './moment-making.ts';
import type { Disk, DiskChange } from './port.ts';
import { readSpan } from './span-record.ts';
import { SpanRows } from './span-rows.ts';
import { BEHIND_ALL, type Place, isLater, justBefore, keyBehind, placeOf, timelineEnd } from './timeline-keys.ts';
import type { Crc32 } from './checksum.ts';

/** What refining needs of the disk. */
export type RefiningDisk = Pick<Disk, 'entries' | 'commit'>;

/** Bytes that one refining reads. Who waits for a commit waits as long as it takes. */
export const REFINED_BYTES_MAX = 2 * 1024 * 1024;

export type Refined = {
  readonly changes: DiskChange[];
  readonly made: readonly MadeMoment[];
  /** Messages that did not outlive their process: they are gone. */
  readonly lost: number;
  /** The first record that was not read. */
  readonly next: Place;
};

/** What refining the spans that begin behind `place` and before `until` comes to. One that is damaged stays as it is. */
export function refineSpans(disk: Pick<Disk, 'entries'>, crc32: Crc32, timeline: number, process: number, place: Place, until: Place): Refined {
  const rows = new SpanRows();
  const changes: DiskChange[] = [];
  const standing = new Map<number, number[]>();
  const stands = ({ dueMs, number }: Place): void => {
    const numbers = standing.get(dueMs);
    if (numbers === undefined) standing.set(dueMs, [number]);
    else numbers.push(number);
  };
  let next = BEHIND_ALL;
  let bytes = 0;
  let read = 0;
  for (const { key, value } of disk.entries(keyBehind(timeline, place), timelineEnd(timeline))) {
    const at = placeOf(key);
    if (at === undefined) continue;
    if (bytes >= REFINED_BYTES_MAX || isLater(at, until)) {
      next = at;
      stands(at);
      break;
    }
    bytes += value.length;
    const count = readSpan(crc32, key, value, process, rows.reading(value));
    if (count === undefined) {
      stands(at);
      continue;
    }
    read += count;
    // It goes before it is written anew: the first of its messages may have the same key again.
    changes.push({ key, value: undefined });
  }
  const isSplit = (dueMs: number, arrival: number, following: number): boolean =>
    standing.get(dueMs)?.some((number) => number > arrival && number < following) === true;
  const made = makeMoments({ crc32, timeline, process, rows, order: rows.inOrder(), spansBehind: justBefore(next), onlySpans: true, isSplit }, changes);
  return { changes, made, lost: read - rows.count, next };
}
