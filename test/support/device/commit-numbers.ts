/**
 * The program of numbered-commits.ts: commits to a database, marks each commit that has returned, and ends without closing.
 * A commit that finds the device full is tried again until it succeeds; any other failure is marked and ends the program.
 *
 *   node commit-numbers.ts <path> <flushed|written> <commits> <bare|journaled> [hasty]
 *
 * `bare`: the database alone; `journaled`: with a small journal in front of it. `hasty` is a broken program for controls: it marks a
 * commit before it makes it.
 */
import { openSync, writeSync } from 'node:fs';
import { LmdbDisk } from '../../../native-free-io/lmdb/lmdb-disk.ts';
import { DiskFullError } from '../../../src/store/port.ts';
import { changeSources } from '../sim/changed-sources.ts';
import { changesOf } from './numbered-commits.ts';

const RETRY_MS = 2;
const MAP_SIZE_BYTES = 1 << 26;
const [path, durability, commits, kind, manner] = process.argv.slice(2);
const hasty = manner === 'hasty';
if (path === undefined || (durability !== 'flushed' && durability !== 'written')) throw new Error('usage: commit-numbers.ts <path> <flushed|written> <commits> <bare|journaled>');

function openBare(file: string, how: 'flushed' | 'written'): LmdbDisk {
  return LmdbDisk.open({ path: file, durability: how, mapSizeBytes: MAP_SIZE_BYTES, fullError: (text, cause) => new DiskFullError(text, { cause }) });
}

/** A journal that is full after some commits, and too small for the largest. */
async function openJournaled(file: string, how: 'flushed' | 'written'): Promise<Pick<LmdbDisk, 'commit'>> {
  changeSources([
    { file: 'src/store/journal/journaled-disk.ts', right: 'JOURNAL_BLOCKS = 1024', wrong: 'JOURNAL_BLOCKS = 16' },
    { file: 'src/store/journal/journaled-disk.ts', right: 'RECORD_BLOCKS_MAX = 16', wrong: 'RECORD_BLOCKS_MAX = 5' },
  ]);
  const { StoreDisk } = await import('../../../src/main/store-disk.ts');
  return StoreDisk.open({ path: file, durability: how, mapSizeBytes: MAP_SIZE_BYTES });
}

const marks = openSync(process.env['DEVICE_SHIM_MARKS']!, 'a');
const mark = (text: string): void => void writeSync(marks, text);

try {
  const disk = kind === 'journaled' ? await openJournaled(path, durability) : openBare(path, durability);
  for (let n = 1; n <= Number(commits); ) {
    try {
      if (hasty) mark(`committed ${n}`);
      disk.commit(changesOf(n));
      if (!hasty) mark(`committed ${n}`);
      n++;
    } catch (error) {
      if (!(error instanceof DiskFullError)) throw error;
      mark('full');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
} catch (error) {
  mark('failed');
  process.stderr.write(`${String(error)}\n`);
  process.exit(3);
}
process.exit(0);
