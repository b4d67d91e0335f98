import { LEVEL_MASK } from '../broker/queue/ledger-layout.ts';
import { RowFlag } from './index-record.ts';
import type { QueueLog } from './queue-log.ts';
import type { SegmentReader } from './segment-reader.ts';

/** A kept message, as recovery found it. */
export type StoredEntry = {
  /** int32, as the queue gave it. */
  readonly position: number;
  /** AppendFlag.redelivered, AppendFlag.repeated, AppendFlag.expiring, AppendFlag.priority. */
  readonly flags: number;
  /** As `returned` told last; 0: it never came back. */
  readonly deliveries: number;
  readonly sizeBytes: number;
};

/** The kept messages of a queue in order. Of a segment whose index is damaged nothing comes; the queue says so then. */
export function* inventoryOf(log: QueueLog, reader: SegmentReader): Generator<StoredEntry, void, undefined> {
  const { kept, redelivered } = log;
  for (let at = 0; at < kept.list.length; at++) {
    const segment = kept.list.at(at);
    if (segment.live === 0) continue;
    const index = reader.index(kept.prefix, segment);
    if (typeof index === 'string') {
      kept.noteDamage(segment.first, segment.end - 1, index);
      continue;
    }
    if (!segment.known) segment.learn(index.offsets, segment.count);
    let found = 0;
    for (let row = 0; row < segment.count; row++) {
      const offset = index.offsets[row]!;
      if (!segment.holds(offset)) continue;
      found++;
      const position = segment.first + offset;
      const deliveries = segment.deliveriesAt(offset);
      const before = position <= redelivered || deliveries > 0 || (index.flags[row]! & RowFlag.redelivered) !== 0;
      const flags = (index.flags[row]! & (RowFlag.expiring | RowFlag.repeated | LEVEL_MASK)) | (before ? RowFlag.redelivered : 0);
      yield { position: position | 0, flags, deliveries, sizeBytes: index.sizes[row]! };
    }
    if (found !== segment.live) kept.noteDamage(segment.first, segment.end - 1, 'their index and their state do not agree');
  }
}
