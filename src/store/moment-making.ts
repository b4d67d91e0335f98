import { MOMENT_BYTES_MAX, MOMENT_MESSAGES_MAX, type Row, writeMoment } from './moment-record.ts';
import type { DiskChange } from './port.ts';
import type { StoreTools } from './store-tools.ts';
import { type Place, momentKey } from './timeline-keys.ts';

export type Collected = { readonly dueMs: number; readonly row: Row };
export type MadeMoment = Place & { readonly rows: readonly Row[] };

/** Makes moments of what was collected and adds them to `changes`. Messages of one millisecond stay in their order. */
export function makeMoments(
  { crc32, memory }: StoreTools,
  timeline: number,
  process: number,
  next: number,
  collected: readonly Collected[],
  changes: DiskChange[],
): readonly MadeMoment[] {
  const made: MadeMoment[] = [];
  let rows: Row[] = [];
  let bytes = 0;
  let dueMs = 0;
  const finish = (): void => {
    if (rows.length === 0) return;
    const moment = { dueMs, number: next + made.length, rows };
    const key = momentKey(timeline, moment);
    changes.push({ key, value: writeMoment(crc32, memory, key, process, rows) });
    made.push(moment);
    rows = [];
    bytes = 0;
  };
  for (const { dueMs: at, row } of inOrder(collected)) {
    if (at !== dueMs || rows.length === MOMENT_MESSAGES_MAX || bytes + row.size > MOMENT_BYTES_MAX) finish();
    dueMs = at;
    rows.push(row);
    bytes += row.size;
  }
  finish();
  return made;
}

/** By time. Mostly they come so: then there is nothing to sort. */
function inOrder(collected: readonly Collected[]): readonly Collected[] {
  for (let at = 1; at < collected.length; at++) {
    if (collected[at]!.dueMs < collected[at - 1]!.dueMs) return [...collected].sort((left, right) => left.dueMs - right.dueMs);
  }
  return collected;
}
