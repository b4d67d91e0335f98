/** The database with its journal, on real files: what a process leaves, and what the next one makes of it. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LmdbDisk } from '../../../native-free-io/lmdb/lmdb-disk.ts';
import { StoreDisk } from '../../../src/main/store-disk.ts';
import { JOURNAL_BLOCKS } from '../../../src/store/journal/journaled-disk.ts';
import type { Disk } from '../../../src/store/port.ts';
import { JOURNAL_KEY } from '../../../src/store/store-keys.ts';

const OPTIONS = { durability: 'flushed', mapSizeBytes: 1 << 26 } as const;

const folder = mkdtempSync(join(tmpdir(), 'leveret-store-disk-'));
const disks = suite('the database with its journal');
let count = 0;
let path = '';

disks.before.each(() => {
  path = freshPath();
});
disks.after(() => rmSync(folder, { recursive: true, force: true }));

function freshPath(): string {
  const place = join(folder, `${++count}`);
  mkdirSync(place);
  return join(place, 'store.mdb');
}

function put(disk: Disk, ...texts: string[]): void {
  disk.commit(texts.map((text) => ({ key: Buffer.from(text), value: Buffer.from(`value of ${text}`) })));
}

function textsOf(disk: Pick<Disk, 'keys'>): string[] {
  return [...disk.keys(Buffer.from([1]), JOURNAL_KEY)].map(String);
}

/** A copy of both files, as a process leaves them that is killed. */
function killed(): string {
  const copy = freshPath();
  for (const ending of ['mdb', 'journal']) cpSync(path.replace(/mdb$/, ending), copy.replace(/mdb$/, ending));
  return copy;
}

disks('a file of before the journal is opened, and changed by the first commit only', () => {
  const before = LmdbDisk.open({ path, ...OPTIONS });
  put(before, 'old');
  before.close();
  const bytes = readFileSync(path);
  const idle = StoreDisk.open({ path, ...OPTIONS });
  assert.equal(textsOf(idle), ['old']);
  idle.idle();
  idle.close();
  assert.ok(readFileSync(path).equals(bytes));
  assert.not.ok(existsSync(path.replace(/mdb$/, 'journal')));
  const disk = StoreDisk.open({ path, ...OPTIONS });
  put(disk, 'new');
  assert.is(statSync(path.replace(/mdb$/, 'journal')).size, JOURNAL_BLOCKS * 4096);
  disk.close();
});

disks('after an orderly end the database has all, and needs no journal', () => {
  const disk = StoreDisk.open({ path, ...OPTIONS });
  put(disk, 'first');
  put(disk, 'second');
  disk.close();
  rmSync(path.replace(/mdb$/, 'journal'));
  const bare = LmdbDisk.open({ path, ...OPTIONS });
  assert.equal(textsOf(bare), ['first', 'second']);
  bare.close();
});

disks('after a kill the journal has what the database has not', () => {
  const disk = StoreDisk.open({ path, ...OPTIONS });
  for (const text of ['first', 'second', 'third']) put(disk, text);
  const copy = killed();
  disk.close();
  const bare = LmdbDisk.open({ path: copy, ...OPTIONS });
  assert.equal(textsOf(bare), ['first']);
  bare.close();
  const again = StoreDisk.open({ path: copy, ...OPTIONS });
  assert.equal(textsOf(again), ['first', 'second', 'third']);
  assert.equal(again.faults, []);
  assert.is(String(again.get(Buffer.from('third'))), 'value of third');
  again.close();
});

disks('what nothing was added to goes into the database', () => {
  const disk = StoreDisk.open({ path, ...OPTIONS });
  for (const text of ['first', 'second']) put(disk, text);
  disk.idle();
  const busy = killed();
  disk.idle();
  const idle = killed();
  disk.close();
  for (const [copy, texts] of [
    [busy, ['first']],
    [idle, ['first', 'second']],
  ] as const) {
    const bare = LmdbDisk.open({ path: copy, ...OPTIONS });
    assert.equal(textsOf(bare), texts);
    bare.close();
  }
});

disks('a journal that is missing or cut is no empty one', () => {
  const disk = StoreDisk.open({ path, ...OPTIONS });
  for (const text of ['first', 'second']) put(disk, text);
  const copy = killed();
  disk.close();
  const journal = copy.replace(/mdb$/, 'journal');
  const bytes = readFileSync(journal);
  writeFileSync(journal, bytes.subarray(0, 4096));
  assert.throws(() => StoreDisk.open({ path: copy, ...OPTIONS }), /the journal of the store is damaged: it has 4096 bytes instead of/);
  rmSync(journal);
  assert.throws(() => StoreDisk.open({ path: copy, ...OPTIONS }), /the journal of the store is damaged: it is missing\. Put back/);
  writeFileSync(journal, bytes);
  const again = StoreDisk.open({ path: copy, ...OPTIONS });
  assert.equal(textsOf(again), ['first', 'second']);
  again.close();
});

disks.run();
