import type { DiskChange } from './port.ts';
import type { Segment } from './segment.ts';
import { SegmentPart, indexKey, partKey } from './store-keys.ts';

/** Takes a segment with all its records from the disk. */
export function removeSegment(prefix: Buffer, segment: Segment, changes: DiskChange[]): void {
  changes.push(
    { key: indexKey(prefix, segment), value: undefined },
    { key: partKey(prefix, segment.first, SegmentPart.contents), value: undefined },
  );
  if (segment.stateWritten) changes.push({ key: partKey(prefix, segment.first, SegmentPart.state), value: undefined });
}
