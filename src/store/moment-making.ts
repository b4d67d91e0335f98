import type { DelayedRows } from './delayed-rows.ts';
import { MOMENT_BYTES_MAX, MOMENT_MESSAGES_MAX, writeMoment } from './moment-record.ts';
import type { DiskChange } from './port.ts';
import type { StoreTools } from './store-tools.ts';
import { type Place, momentKey } from './timeline-keys.ts';

/** `addresses`: of its messages, in order. */
export type MadeMoment = Place & { readonly addresses: readonly number[] };

/** Makes moments of what was collected and adds them to `changes`. Messages of one millisecond stay in their order. */
export function makeMoments(
  { crc32, memory }: StoreTools,
  timeline: number,
  process: number,
  next: number,
  rows: DelayedRows,
  changes: DiskChange[],
): readonly MadeMoment[] {
  const made: MadeMoment[] = [];
  const order = rows.inOrder();
  for (let from = 0; from < order.length; ) {
    const dueMs = rows.dueMs(order[from]!);
    const addresses: number[] = [];
    let bytes = 0;
    let to = from;
    do {
      bytes += rows.size(order[to]!);
      addresses.push(rows.address(order[to]!));
      to++;
    } while (
      to < order.length &&
      rows.dueMs(order[to]!) === dueMs &&
      to - from < MOMENT_MESSAGES_MAX &&
      bytes + rows.size(order[to]!) <= MOMENT_BYTES_MAX
    );
    const place = { dueMs, number: next + made.length };
    const key = momentKey(timeline, place);
    changes.push({ key, value: writeMoment(crc32, memory, key, process, rows, order.subarray(from, to)) });
    made.push({ ...place, addresses });
    from = to;
  }
  return made;
}
