/** The store with small bounds. */
import { readdirSync } from 'node:fs';
import type * as Module from '../../../src/store/store.ts';
import type { SourceChange } from '../../support/source-change.ts';
import { loadCopy } from '../support/source-copy.ts';

export type StoreModule = typeof Module;

const FOLDER = new URL('../../../src/store/', import.meta.url);
/** Both sides of the port must mean the same error. */
const PORT = 'port.ts';

const SMALLER: readonly SourceChange[] = [
  { file: 'segment.ts', right: 'SEGMENT_MESSAGES_MAX = 1024', wrong: 'SEGMENT_MESSAGES_MAX = 40' },
  { file: 'segment.ts', right: 'SEGMENT_BYTES_MAX = 256 * 1024', wrong: 'SEGMENT_BYTES_MAX = 400' },
  { file: 'segment.ts', right: 'SEGMENT_SPAN_MAX = 8192', wrong: 'SEGMENT_SPAN_MAX = 75' },
  { file: 'segment-making.ts', right: 'TAIL_BYTES = 2048', wrong: 'TAIL_BYTES = 100' },
  { file: 'segment-builder.ts', right: 'BLOCK_BYTES = 1024 * 1024', wrong: 'BLOCK_BYTES = 1200' },
  { file: 'segment-builder.ts', right: 'KEPT_BLOCKS = 6', wrong: 'KEPT_BLOCKS = 1' },
  { file: 'segment-list.ts', right: 'COMPACTION_MIN = 8', wrong: 'COMPACTION_MIN = 3' },
  { file: 'collection.ts', right: 'FIRST_CAPACITY = 16', wrong: 'FIRST_CAPACITY = 2' },
  { file: 'collection.ts', right: 'KEPT_COLLECTIONS = 256', wrong: 'KEPT_COLLECTIONS = 1' },
  { file: 'shared-bodies.ts', right: 'PLACES_APART_MAX = 2 ** 31 - 1', wrong: 'PLACES_APART_MAX = 5' },
  { file: 'moment-record.ts', right: 'MOMENT_MESSAGES_MAX = 1024', wrong: 'MOMENT_MESSAGES_MAX = 4' },
  { file: 'moment-record.ts', right: 'MOMENT_BYTES_MAX = 64 * 1024', wrong: 'MOMENT_BYTES_MAX = 120' },
  { file: 'moment-making.ts', right: 'MOMENT_MESSAGES_MIN = 8', wrong: 'MOMENT_MESSAGES_MIN = 3' },
  { file: 'span-record.ts', right: 'SPAN_MESSAGES_MAX = 64', wrong: 'SPAN_MESSAGES_MAX = 5' },
  { file: 'span-record.ts', right: 'SPAN_BYTES_MAX = 16 * 1024', wrong: 'SPAN_BYTES_MAX = 150' },
  { file: 'span-refining.ts', right: 'REFINED_BYTES_MAX = 2 * 1024 * 1024', wrong: 'REFINED_BYTES_MAX = 600' },
  { file: 'span-refining.ts', right: 'STEP_READ_BYTES = 512 * 1024', wrong: 'STEP_READ_BYTES = 200' },
  { file: 'span-refining.ts', right: 'STEP_WRITTEN_BYTES = 512 * 1024', wrong: 'STEP_WRITTEN_BYTES = 60' },
  { file: 'span-rows.ts', right: 'FIRST_CAPACITY = 1024', wrong: 'FIRST_CAPACITY = 2' },
  { file: 'delayed-rows.ts', right: 'FIRST_CAPACITY = 16', wrong: 'FIRST_CAPACITY = 2' },
  { file: 'delayed-rows.ts', right: 'KEPT_CAPACITY = 16_384', wrong: 'KEPT_CAPACITY = 4' },
  { file: 'timeline.ts', right: 'SPANS_AHEAD_MS = 10_000', wrong: 'SPANS_AHEAD_MS = 1' },
  { file: 'timeline.ts', right: 'ADVANCE_MESSAGES_MAX = 4096', wrong: 'ADVANCE_MESSAGES_MAX = 6' },
  { file: 'timelines.ts', right: 'CLEARED_KEYS_MAX = 4_096', wrong: 'CLEARED_KEYS_MAX = 3' },
];

/** Loads it, with `changes` in files of src/store. */
export function loadSmallStore(changes: readonly SourceChange[] = []): Promise<StoreModule> {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.ts') && file !== PORT);
  return loadCopy({ folder: FOLDER, files, changes: [...SMALLER, ...changes] }, 'store.ts');
}
