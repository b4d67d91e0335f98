/** All of a timeline read once, of a store that is only looked into. */
import type { Crc32 } from './checksum.ts';
import { type ReadMoment, readMoment } from './moment-record.ts';
import type { Disk } from './port.ts';
import { type RefiningProgress, isMoved } from './refining-progress.ts';
import { isSpan, readSpan } from './span-record.ts';
import { TimelinePart, placeOf, timelineEnd, timelinePrefix } from './timeline-keys.ts';
import { readTimelineRecord } from './timeline-record.ts';

export type TimelineSurvey = {
  /** Messages that outlive the process, and bytes of their records. */
  readonly messages: number;
  readonly bytes: number;
  readonly moments: number;
  /** What is damaged, as a sentence. */
  readonly damage: string | undefined;
};

/** No process has this number: what is transient belongs to one that is gone. */
const NO_PROCESS = -1;

export function surveyTimeline(disk: Disk, crc32: Crc32, timeline: number): TimelineSurvey {
  const sum = { messages: 0, bytes: 0, moments: 0 };
  let written = 0;
  let damage: string | undefined;
  const record = readTimelineRecord(crc32, timeline, disk.get(timelinePrefix(timeline, TimelinePart.record)));
  for (const { key, value } of disk.entries(timelinePrefix(timeline, TimelinePart.moments), timelineEnd(timeline))) {
    const read = isSpan(value) ? recordsOfSpan(crc32, key, value, record?.refining) : readMoment(crc32, key, value, NO_PROCESS);
    if (read === undefined) damage ??= `Of the delayed messages, those under the key ${key.toString('hex')} do not match their checksum.`;
    sum.moments++;
    written += read?.count ?? 0;
    for (const record of read?.records ?? []) {
      sum.messages++;
      sum.bytes += record.length;
    }
  }
  if (record === undefined && sum.moments > 0) damage ??= 'The record of the delayed messages is missing or damaged.';
  if (record !== undefined && record.messages !== written) {
    damage ??= `The record of the delayed messages speaks of ${record.messages}, and ${written} are there.`;
  }
  return { ...sum, damage };
}

/** Without those that stand in moments already. */
function recordsOfSpan(crc32: Crc32, key: Buffer, value: Buffer, refining: RefiningProgress | undefined): Omit<ReadMoment, 'flags'> | undefined {
  const place = placeOf(key);
  const records: Buffer[] = [];
  let count = 0;
  const isSound = readSpan(crc32, key, value, NO_PROCESS, (dueMs, number, _flags, at, size, isLost) => {
    if (place !== undefined && isMoved(refining, place, { dueMs, number })) return;
    count++;
    if (!isLost) records.push(value.subarray(at, at + size));
  });
  return isSound ? { count, records } : undefined;
}
