import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LmdbDisk } from '../../../native-free-io/lmdb/lmdb-disk.ts';
import { readLmdbEntries } from '../../../native-free-io/lmdb/file-entries.ts';

const directory = mkdtempSync(join(tmpdir(), 'leveret-entries-'));
const test = suite('entries of an LMDB file');
test.after(() => rmSync(directory, { recursive: true, force: true }));

const KEYS = 3_000;
let files = 0;

function fresh(): LmdbDisk {
  return LmdbDisk.open({ path: join(directory, `file-${++files}`), durability: 'written', mapSizeBytes: 1 << 26 });
}

function keyOf(number: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeUInt32BE(number, 4);
  return key;
}

/** The size tells the key and the generation, the bytes carry a checksum. */
function valueOf(number: number, generation: number): Buffer {
  const body = Buffer.alloc((number % 50 === 0 ? 20_000 : 60) + (number % 7), generation);
  const value = Buffer.alloc(body.length + 4);
  body.copy(value);
  value.writeUInt32BE(crc32(body, number), body.length);
  return value;
}

test('an empty environment has none', () => {
  const disk = fresh();
  assert.equal([...readLmdbEntries(disk.path)], []);
  disk.close();
});

test('all entries in order, small and large, while the environment is open and after it was closed', () => {
  const disk = fresh();
  disk.commit(Array.from({ length: KEYS }, (_, number) => ({ key: keyOf(number), value: valueOf(number, 1) })));
  const expected = [...disk.entries(Buffer.alloc(0), Buffer.alloc(9, 0xff))];
  assert.is(expected.length, KEYS);
  assert.equal([...readLmdbEntries(disk.path)], expected);
  disk.close();
  assert.equal([...readLmdbEntries(disk.path)], expected);
});

test('commits between two entries: each key once, in order, each value whole', () => {
  const disk = fresh();
  disk.commit(Array.from({ length: KEYS }, (_, number) => ({ key: keyOf(number), value: valueOf(number, 1) })));
  let read = 0;
  let last = -1;
  let generation = 1;
  for (const { key, value } of readLmdbEntries(disk.path)) {
    const number = key.readUInt32BE(4);
    assert.ok(number > last, `${number} after ${last}`);
    last = number;
    const body = value.subarray(0, -4);
    assert.is(value.readUInt32BE(body.length), crc32(body, number), `the value of ${number}`);
    if (++read % 3 === 0) {
      generation++;
      // Far and near, so that pages before and behind the reader are written anew.
      const changes = [1, 2, 3, 40, 700].map((distance) => (number + distance * generation) % KEYS);
      disk.commit(changes.map((changed) => ({ key: keyOf(changed), value: valueOf(changed, generation % 256) })));
    }
  }
  disk.close();
  assert.is(read, KEYS);
});

test('a damaged page ends the reading with a sentence', () => {
  const disk = fresh();
  disk.commit(Array.from({ length: KEYS }, (_, number) => ({ key: keyOf(number), value: valueOf(number, 1) })));
  disk.close();
  const bytes = readFileSync(disk.path);
  const leaf = Array.from({ length: bytes.length / 4096 }, (_, page) => page).find((page) => bytes[page * 4096 + 18] === 2)!;
  bytes.fill(0, leaf * 4096, leaf * 4096 + 512);
  writeFileSync(`${disk.path}.damaged`, bytes);
  assert.throws(() => [...readLmdbEntries(`${disk.path}.damaged`)], /page \d+ \(leaf\): it says that it is page 0/);
});

test('a file that is not there, and one that is something else', () => {
  assert.throws(() => [...readLmdbEntries(join(directory, 'nothing'))], /cannot be opened/);
  writeFileSync(join(directory, 'text'), 'x'.repeat(9_000));
  assert.throws(() => [...readLmdbEntries(join(directory, 'text'))], /page 0 is not a meta page/);
});

test.run();
