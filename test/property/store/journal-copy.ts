/** Copies of the journal's sources with texts changed, as in store-copy.ts: a journal of a few blocks, and deliberate mistakes. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Module from '../../../src/store/journal/journaled-disk.ts';
import type { Change } from './store-copy.ts';

export type JournalModule = typeof Module;

const FOLDER = new URL('../../../src/store/journal/', import.meta.url);
const SMALLER: readonly Change[] = [
  { file: 'journaled-disk.ts', right: 'JOURNAL_BLOCKS = 1024', wrong: 'JOURNAL_BLOCKS = 8' },
  { file: 'journaled-disk.ts', right: 'RECORD_BLOCKS_MAX = 16', wrong: 'RECORD_BLOCKS_MAX = 3' },
];

/** Throws when a right text does not stand there once: no control can rot. */
export async function loadSmallJournal(changes: readonly Change[] = []): Promise<JournalModule> {
  const folder = mkdtempSync(join(tmpdir(), 'journal-copy-'));
  try {
    for (const file of readdirSync(FOLDER)) writeFileSync(join(folder, file), copyOf(file, [...SMALLER, ...changes]));
    return (await import(pathToFileURL(join(folder, 'journaled-disk.ts')).href)) as JournalModule;
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
  return text.replace(/from '(\.\.\/[^']+)'/g, (_, path: string) => `from '${new URL(path, url).href}'`);
}
