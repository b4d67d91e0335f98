/** The journal with a few blocks. */
import { readdirSync } from 'node:fs';
import type * as Module from '../../../src/store/journal/journaled-disk.ts';
import type { SourceChange } from '../../support/source-change.ts';
import { loadCopy } from '../support/source-copy.ts';

export type JournalModule = typeof Module;

const FOLDER = new URL('../../../src/store/journal/', import.meta.url);
const SMALLER: readonly SourceChange[] = [
  { file: 'journaled-disk.ts', right: 'JOURNAL_BLOCKS = 1024', wrong: 'JOURNAL_BLOCKS = 8' },
  { file: 'journaled-disk.ts', right: 'RECORD_BLOCKS_MAX = 16', wrong: 'RECORD_BLOCKS_MAX = 3' },
];

/** Loads it, with `changes` in files of src/store/journal. */
export function loadSmallJournal(changes: readonly SourceChange[] = []): Promise<JournalModule> {
  return loadCopy({ folder: FOLDER, files: readdirSync(FOLDER), changes: [...SMALLER, ...changes] }, 'journaled-disk.ts');
}
