/** A store that is only looked into, with what its journal holds and the database does not. */
import { readFileSync, statSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { LmdbFileDisk } from '../../../native-free-io/lmdb/file-disk.ts';
import { JournalFault } from '../../store/journal/journal-fault.ts';
import { readJournalMark } from '../../store/journal/journal-mark.ts';
import { readJournal } from '../../store/journal/journal-reading.ts';
import { recordBytesOf } from '../../store/journal/journal-record.ts';
import { OverlaidDisk } from '../../store/journal/overlaid-disk.ts';
import { Overlay } from '../../store/journal/overlay.ts';
import type { Disk } from '../../store/port.ts';
import { JOURNAL_KEY } from '../../store/store-keys.ts';
import { journalPathOf } from '../store-file.ts';

/** What the next start takes over from the journal; null: there is none that counts. */
export type Unapplied = {
  readonly fileBytes: number;
  /** Commits, and bytes of their records. */
  readonly records: number;
  readonly bytes: number;
  /** The last record is not whole: the node ended while it was written, or it is damaged. */
  readonly torn: boolean;
} | null;

class LookedIntoDisk extends OverlaidDisk implements Disk {
  commit(): never {
    throw new Error('assertion failed: the store is only looked into');
  }
}

/** Throws JournalFault when the journal of a node that does not run is damaged. */
export function openUnapplied(file: string, running: boolean): { readonly disk: Disk; readonly journal: Unapplied } {
  const below = new LmdbFileDisk(file);
  const overlay = new Overlay();
  const mark = readJournalMark(crc32, below.get(JOURNAL_KEY));
  const disk = new LookedIntoDisk(below, overlay);
  if (mark.blocks === 0) return { disk, journal: null };
  const { records, torn } = readJournal(crc32, journalBytes(journalPathOf(file)), mark, running);
  for (const changes of records) overlay.take(changes);
  const bytes = records.reduce((sum, changes) => sum + recordBytesOf(changes), 0);
  return { disk, journal: { fileBytes: statSync(journalPathOf(file)).size, records: records.length, bytes, torn: torn && !running } };
}

function journalBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new JournalFault('it is missing');
    throw error;
  }
}
