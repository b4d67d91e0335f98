/**
 * A process that opens damaged files one after the other, reads all, goes on writing, and reads again. When it dies or hangs, that
 * is the finding.
 */
import { rmSync } from 'node:fs';
import { checkLmdbFile } from '../../native-free-io/lmdb/file-check.ts';
import { Random } from '../support/hostile/random.ts';
import { BareDisk } from './lmdb-bare-disk.ts';
import { Writer, readAll, type Expected, type Reading } from './lmdb-damage-world.ts';

export type ReaderOrder = { readonly path: string; readonly expected: Expected; readonly checked: boolean; readonly seed: number };

/**
 * `refused` by the file check, `closed`: LMDB or its adapter would not open or read on; `intact`: all is there; `noticed`: checksums
 * or the inventory tell; `silent`: something is wrong and nobody could know.
 */
export type ReaderAnswer = { readonly outcome: 'refused' | 'closed' | 'intact' | 'noticed' | 'silent'; readonly missing: number; readonly text: string };

const COMMITS = 4;
const SIZES = [100, 700, 3_000, 20_000];

function answer(order: ReaderOrder): ReaderAnswer {
  const check = order.checked ? checkLmdbFile(order.path) : undefined;
  if (check?.sound === false) return { outcome: 'refused', missing: 0, text: check.fault };
  let disk;
  try {
    disk = new BareDisk(order.path);
    const before = readAll(disk.entries(), order.expected);
    if (before.wrong > 0) return { outcome: 'silent', missing: before.missing, text: `${before.wrong} values are wrong` };
    const writer = new Writer(disk, new Random(order.seed), before.intact);
    for (let commit = 0; commit < COMMITS; commit++) writer.commit(20, SIZES, 60);
    const after = readAll(disk.entries(), writer.expected);
    disk.close();
    return verdict(order, before, after);
  } catch (error) {
    return { outcome: 'closed', missing: 0, text: String(error) };
  } finally {
    disk?.close();
  }
}

/** What was intact before the writing and what was written must be there after it, in a file that is sound. */
function verdict(order: ReaderOrder, before: Reading, after: Reading): ReaderAnswer {
  const { missing } = before;
  if (after.missing > 0) return { outcome: 'silent', missing, text: `${after.missing} entries were harmed by commits` };
  const check = order.checked ? checkLmdbFile(order.path) : undefined;
  if (check?.sound === false) return { outcome: 'silent', missing, text: `after commits: ${check.fault}` };
  return before.noticed > 0 ? { outcome: 'noticed', missing, text: `${before.noticed} noticed` } : { outcome: 'intact', missing, text: '' };
}

process.on('message', (order: ReaderOrder) => {
  const given = answer(order);
  rmSync(`${order.path}-lock`, { force: true });
  process.send?.(given);
});
