import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { JournalFile } from '../../../../native-free-io/journal/journal-file.ts';

const BLOCK = Buffer.alloc(4096, 'blank');
const BLOCKS = 100;

class Full extends Error {}

const folder = mkdtempSync(join(tmpdir(), 'leveret-journal-'));
const path = join(folder, 'store.journal');
const files = suite('a file of fixed length for a journal');

function journalFile(place = path): JournalFile {
  return new JournalFile({ path: place, durability: 'flushed', fullError: (text, cause) => new Full(text, { cause }) });
}

files.after.each(() => rmSync(path, { force: true }));
files.after(() => rmSync(folder, { recursive: true, force: true }));

files('is not there, is made, is written over, and is read by the next process', () => {
  const file = journalFile();
  assert.is(file.read(), undefined);
  file.make(BLOCK, BLOCKS);
  assert.ok(file.read()!.equals(Buffer.alloc(BLOCKS * BLOCK.length, BLOCK)));
  assert.ok(statSync(path).blocks * 512 >= BLOCKS * BLOCK.length, 'its blocks are on the device');
  assert.is(statSync(path).mode & 0o077, 0);
  const record = Buffer.alloc(2 * BLOCK.length, 'record');
  file.write(record, 3 * BLOCK.length);
  file.close();
  file.close();
  const expected = Buffer.alloc(BLOCKS * BLOCK.length, BLOCK);
  record.copy(expected, 3 * BLOCK.length);
  assert.ok(journalFile().read()!.equals(expected));
  assert.not.ok(existsSync(`${path}.new`));
});

files('one that is made anew takes the place of the old one, and writes go there', () => {
  const file = journalFile();
  file.make(BLOCK, 1);
  file.write(Buffer.alloc(BLOCK.length, 'old'), 0);
  file.make(BLOCK, 2);
  file.write(Buffer.alloc(BLOCK.length, 'new'), BLOCK.length);
  file.close();
  assert.is(readFileSync(path, 'latin1'), BLOCK.toString('latin1') + 'new'.repeat(BLOCK.length / 3 + 1).slice(0, BLOCK.length));
});

files('what is no full device is told with the name of the file', () => {
  const lost = journalFile(join(folder, 'nowhere', 'store.journal'));
  assert.throws(() => lost.make(BLOCK, 1), (error: Error) => error.name === 'JournalFileFailure' && error.message.includes('could not make'));
  assert.throws(() => lost.write(BLOCK, 0), /JournalFileFailure|could not commit to .*store\.journal: ENOENT/);
});

files('a device that is full says so by the error of the caller, and leaves what was there', () => {
  const file = journalFile();
  file.make(BLOCK, 2);
  const before = readFileSync(path);
  // No device has so much.
  assert.throws(() => file.make(BLOCK, 2 ** 38), (error: unknown) => error instanceof Full);
  assert.ok(readFileSync(path).equals(before));
  assert.not.ok(existsSync(`${path}.new`));
  writeFileSync(path, before);
  truncateSync(path, 10);
  assert.is(file.read()!.length, 10);
});

files.run();
