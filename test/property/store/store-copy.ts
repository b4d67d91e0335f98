/**
 * Copies of the store's sources with texts changed: smaller bounds, so that short histories reach them, and deliberate mistakes,
 * so that a check shows that it can fail. The sources themselves stay as they are.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Module from '../../../src/store/store.ts';

/** In one file of src/store: the text that is right, which must stand there once, and what stands there instead. */
export type Change = { readonly file: string; readonly right: string; readonly wrong: string };

export type StoreModule = typeof Module;

const FOLDER = new URL('../../../src/store/', import.meta.url);
/** Both sides of the port must mean the same error. */
const PORT = 'port.ts';

const SMALLER: readonly Change[] = [
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
  { file: 'delayed-rows.ts', right: 'FIRST_CAPACITY = 16', wrong: 'FIRST_CAPACITY = 2' },
  { file: 'delayed-rows.ts', right: 'KEPT_CAPACITY = 16_384', wrong: 'KEPT_CAPACITY = 4' },
  { file: 'timeline.ts', right: 'ADVANCE_MESSAGES_MAX = 4096', wrong: 'ADVANCE_MESSAGES_MAX = 6' },
  { file: 'timelines.ts', right: 'CLEARED_KEYS_MAX = 4_096', wrong: 'CLEARED_KEYS_MAX = 3' },
];

/** Loads the store with small bounds and with `changes`. Throws when a right text is not there once: no control can rot. */
export async function loadSmallStore(changes: readonly Change[] = []): Promise<StoreModule> {
  const folder = mkdtempSync(join(tmpdir(), 'store-copy-'));
  try {
    for (const file of readdirSync(FOLDER)) {
      if (file.endsWith('.ts') && file !== PORT) writeFileSync(join(folder, file), copyOf(file, [...SMALLER, ...changes]));
    }
    return (await import(pathToFileURL(join(folder, 'store.ts')).href)) as StoreModule;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copyOf(file: string, changes: readonly Change[]): string {
  const url = new URL(file, FOLDER);
  let text = readFileSync(url, 'utf8');
  for (const change of changes) {
    if (change.file !== file) continue;
    const places = text.split(change.right).length - 1;
    if (places !== 1) throw new Error(`"${change.right}" stands ${places} times in ${file}, not once`);
    text = text.replace(change.right, () => change.wrong);
  }
  return text.replace(/from '(\.\.\/[^']+|\.\/port\.ts)'/g, (_, path: string) => `from '${new URL(path, url).href}'`);
}
