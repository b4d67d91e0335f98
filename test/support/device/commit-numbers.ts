/**
 * The program of numbered-commits.ts: commits to a database, marks each commit that has returned, and ends without closing.
 * A commit that finds the device full is tried again until it succeeds; any other failure is marked and ends the program.
 *
 *   node commit-numbers.ts <path> <flushed|written> <commits> [hasty]
 *
 * `hasty` is a broken program for controls: it marks a commit before it makes it.
 */
import { openSync, writeSync } from 'node:fs';
import { LmdbDisk } from '../../../native-free-io/lmdb/lmdb-disk.ts';
import { LmdbFullError } from '../../../native-free-io/lmdb/lmdb-errors.ts';
import { changesOf } from './numbered-commits.ts';

const RETRY_MS = 2;
const [path, durability, commits, manner] = process.argv.slice(2);
const hasty = manner === 'hasty';
if (path === undefined || (durability !== 'flushed' && durability !== 'written')) throw new Error('usage: commit-numbers.ts <path> <flushed|written> <commits>');
const marks = openSync(process.env['DEVICE_SHIM_MARKS']!, 'a');
const mark = (text: string): void => void writeSync(marks, text);

try {
  const disk = LmdbDisk.open({ path, durability, mapSizeBytes: 1 << 26 });
  for (let n = 1; n <= Number(commits); ) {
    try {
      if (hasty) mark(`committed ${n}`);
      disk.commit(changesOf(n));
      if (!hasty) mark(`committed ${n}`);
      n++;
    } catch (error) {
      if (!(error instanceof LmdbFullError)) throw error;
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
