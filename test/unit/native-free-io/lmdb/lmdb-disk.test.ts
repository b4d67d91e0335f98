import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { KEY_SIZE_MAX, LmdbDisk } from '../../../../native-free-io/lmdb/lmdb-disk.ts';
import { LmdbFailure } from '../../../../native-free-io/lmdb/lmdb-errors.ts';
import type { LmdbChange, LmdbDurability } from '../../../../native-free-io/lmdb/lmdb-disk.ts';
import type { Disk } from '../../../../src/store/port.ts';
import { SeededRandom } from '../../../support/seeded-random.ts';

const disks = suite('lmdb disk');
const folder = mkdtempSync(join(tmpdir(), 'leveret-lmdb-'));
disks.after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

function freshPath(): string {
  return join(folder, `${++count}.mdb`);
}

function opened(path = freshPath(), durability: LmdbDurability = 'flushed'): LmdbDisk {
  return LmdbDisk.open({ path, durability, mapSizeBytes: 1 << 30 });
}

function put(key: readonly number[], value: Uint8Array): LmdbChange {
  return { key: Uint8Array.from(key), value };
}

/** What the map may bring in before it is let go of, and between two looks. */
const RESIDENT_MAX_MIB = 100;
const FIRST = Buffer.alloc(0);
const LAST = Buffer.alloc(1, 0xff);
const META_PAGE_1 = 4096;
/** Of the last page in a meta page; the transaction stands behind it. */
const NUMBERS_AT = 144;

disks('is a disk of the store', () => {
  const disk: Disk = opened();
  disk.commit([put([1], Buffer.from('one'))]);
  assert.is(disk.get(Buffer.from([1]))?.toString(), 'one');
  assert.is(disk.get(Buffer.from([2])), undefined);
});

for (const durability of ['flushed', 'written'] as const) {
  disks(`what was committed ${durability} is there after a close`, () => {
    const path = freshPath();
    const disk = opened(path, durability);
    disk.commit([put([1], Buffer.from('one')), put([2], Buffer.alloc(0)), put([3], Buffer.alloc(300_000, 3))]);
    disk.commit([put([1], Buffer.from('uno')), { key: Buffer.from([4]), value: undefined }]);
    disk.close();
    disk.close();
    const again = opened(path, durability);
    assert.is(again.get(Buffer.from([1]))?.toString(), 'uno');
    assert.is(again.get(Buffer.from([2]))?.length, 0);
    assert.equal(again.get(Buffer.from([3])), Buffer.alloc(300_000, 3));
    again.close();
  });
}

disks('pages of a large file leave the memory of the process again while commits go to places all over it', () => {
  const random = new SeededRandom(7);
  const residentMib = (): number => Number(/RssFile:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) / 1024;
  const disk = opened(freshPath(), 'written');
  const firstMib = residentMib();
  let mostMib = 0;
  for (let commit = 0; commit < 250; commit++) {
    const key = (): number[] => Array.from({ length: 8 }, () => random.below(256));
    disk.commit(Array.from({ length: 400 }, () => put(key(), Buffer.alloc(1_500))));
    mostMib = Math.max(mostMib, residentMib() - firstMib);
  }
  const fileMib = disk.stats().fileSizeBytes / 2 ** 20;
  disk.close();
  assert.ok(fileMib > 2 * RESIDENT_MAX_MIB, `a file of ${fileMib.toFixed(0)} MiB`);
  assert.ok(mostMib < RESIDENT_MAX_MIB, `${mostMib.toFixed(0)} MiB of a file of ${fileMib.toFixed(0)} MiB in memory`);
});

disks('values in shared memory are taken as they are', () => {
  const disk = opened();
  const shared = new Uint8Array(new SharedArrayBuffer(100_000), 10, 70_000).fill(9);
  disk.commit([put([1], shared), put([2], shared.subarray(0, 3))]);
  assert.equal(disk.get(Buffer.from([1])), Buffer.alloc(70_000, 9));
  assert.equal(disk.get(Buffer.from([2])), Buffer.alloc(3, 9));
  disk.close();
});

disks('what is read is a copy', () => {
  const disk = opened();
  for (const sizeBytes of [5, 5_000, 70_000, 20 << 20]) {
    disk.commit([put([1], Buffer.alloc(sizeBytes, 1))]);
    const value = disk.get(Buffer.from([1]))!;
    const [entry] = [...disk.entries(FIRST, LAST)];
    disk.commit([put([1], Buffer.alloc(sizeBytes, 2))]);
    assert.equal(disk.get(Buffer.from([1])), Buffer.alloc(sizeBytes, 2));
    assert.equal(value, Buffer.alloc(sizeBytes, 1), `get ${sizeBytes}`);
    assert.equal(entry?.value, Buffer.alloc(sizeBytes, 1), `entries ${sizeBytes}`);
    value.fill(7);
    assert.equal(disk.get(Buffer.from([1])), Buffer.alloc(sizeBytes, 2));
  }
  disk.close();
});

disks('ranges go over many steps, with the start and without the end', () => {
  const disk = opened();
  const keys = Array.from({ length: 1_500 }, (_, index) => Buffer.from([index >> 8, index & 0xff]));
  disk.commit(keys.map((key) => ({ key, value: Buffer.alloc(2_000, key[1]) })));
  const [from, to] = [keys[3]!, keys[1_400]!];
  assert.equal([...disk.keys(from, to)], keys.slice(3, 1_400));
  assert.equal([...disk.entries(from, to)].map((entry) => entry.key), keys.slice(3, 1_400));
  assert.ok([...disk.entries(from, to)].every((entry) => entry.value.equals(Buffer.alloc(2_000, entry.key[1]))));
  assert.equal([...disk.keys(FIRST, LAST)].length, 1_500);
  assert.equal([...disk.keys(to, from)], []);
  assert.equal([...disk.entries(from, from)], []);
  disk.close();
});

disks('a range may be changed while it is read', () => {
  const disk = opened();
  const keys = Array.from({ length: 1_000 }, (_, index) => Buffer.from([index >> 8, index & 0xff]));
  disk.commit(keys.map((key) => ({ key, value: key })));
  const seen: Buffer[] = [];
  for (const key of disk.keys(FIRST, LAST)) {
    seen.push(key);
    disk.commit([{ key, value: undefined }]);
    if (seen.length === 600) break;
  }
  assert.equal(seen, keys.slice(0, 600));
  assert.equal([...disk.keys(FIRST, LAST)], keys.slice(600));
  disk.close();
});

disks('a key that does not fit stops the whole commit, and the next one works', () => {
  const disk = opened();
  for (const sizeBytes of [0, KEY_SIZE_MAX + 1]) {
    assert.throws(() => disk.commit([put([1], FIRST), { key: Buffer.alloc(sizeBytes), value: FIRST }]), /bytes; 1 to 511 fit/);
  }
  assert.equal([...disk.keys(FIRST, LAST)], []);
  const longest = Buffer.alloc(KEY_SIZE_MAX, 5);
  disk.commit([{ key: longest, value: LAST }]);
  assert.equal(disk.get(longest), LAST);
  disk.close();
});

disks('pages that are free are used again', () => {
  const disk = opened();
  const value = Buffer.alloc(50_000, 1);
  for (let index = 0; index < 20; index++) disk.commit([put([index], value)]);
  const before = disk.stats();
  for (let round = 0; round < 200; round++) {
    for (const _ of disk.keys(FIRST, LAST)) disk.get(Buffer.from([3]));
    disk.commit([put([(round + 20) & 0xff], value), { key: Buffer.from([round & 0xff]), value: undefined }]);
  }
  const after = disk.stats();
  assert.is(after.entries, 20);
  assert.ok(after.pages < before.pages + 60, `${before.pages} pages became ${after.pages}`);
  assert.ok(after.freePages < 90, `${after.freePages} free pages`);
  assert.ok(after.fileSizeBytes >= after.pages * after.pageSizeBytes);
  disk.close();
});

disks('a file that is no database is refused in words', () => {
  const path = freshPath();
  writeFileSync(path, 'x'.repeat(10_000));
  assert.throws(() => opened(path), (error: Error) => error instanceof LmdbFailure && error.message.includes(path));
  assert.throws(() => opened(join(path, 'below')), (error: Error) => error instanceof LmdbFailure);
});

disks('a file that was cut short is refused', () => {
  const path = freshPath();
  const disk = opened(path);
  disk.commit([put([1], Buffer.alloc(100_000))]);
  disk.close();
  truncateSync(path, 50_000);
  assert.throws(() => opened(path), /is damaged/);
});

disks('what an interrupted making left behind is no database, and goes', () => {
  const path = freshPath();
  writeFileSync(`${path}.new`, Buffer.alloc(5_000, 'x'));
  writeFileSync(`${path}.new-lock`, '');
  opened(path).close();
  const names = readdirSync(folder).filter((name) => join(folder, name).startsWith(path));
  assert.equal(names.map((name) => join(folder, name)).sort(), [path, `${path}-lock`]);
});

for (const [name, valueSize] of [['in pages used before', 100], ['on pages behind the last one', 200_000]] as const) {
  disks(`a whole commit whose meta page says the number of before is kept: ${name}`, () => {
    const path = freshPath();
    const disk = opened(path);
    for (let commit = 1; commit <= 6; commit++) disk.commit([put([1], Buffer.alloc(100, commit))]);
    const before = readFileSync(path);
    disk.commit([put([1], Buffer.alloc(valueSize, 7))]);
    const { pages } = disk.stats();
    disk.close();
    // As LMDB does after its write of meta page 1 has failed: the last page and the transaction as they were.
    const bytes = readFileSync(path);
    before.copy(bytes, META_PAGE_1 + NUMBERS_AT, META_PAGE_1 + NUMBERS_AT, META_PAGE_1 + NUMBERS_AT + 16);
    assert.is(bytes.readUInt32LE(META_PAGE_1 + NUMBERS_AT + 8), 5);
    writeFileSync(path, bytes);
    const again = opened(path);
    assert.equal(again.get(Buffer.from([1])), Buffer.alloc(valueSize, 7));
    assert.is(again.stats().pages, pages);
    again.commit([put([2], LAST)]);
    again.close();
    assert.is(opened(path).get(Buffer.from([2]))?.length, 1);
  });
}

disks('a new database is small, and has blocks for what comes next', () => {
  const path = freshPath();
  const disk = opened(path);
  for (let commit = 0; commit < 40; commit++) disk.commit([put([commit], Buffer.alloc(30_000, commit))]);
  const { pages, pageSizeBytes, fileSizeBytes } = disk.stats();
  assert.ok(fileSizeBytes > pages * pageSizeBytes, 'longer than it is used');
  assert.ok(fileSizeBytes < pages * pageSizeBytes + (1 << 19), `${fileSizeBytes} bytes for ${pages} pages`);
  assert.ok(statSync(path).blocks * 512 >= fileSizeBytes, 'no holes');
  disk.close();
});

disks('holes at the end of a file, as a copy may have them, are filled', () => {
  const path = freshPath();
  const disk = opened(path);
  disk.commit([put([1], Buffer.alloc(50_000, 1))]);
  const { pages, pageSizeBytes } = disk.stats();
  disk.close();
  truncateSync(path, pages * pageSizeBytes);
  truncateSync(path, 100 << 20);
  const again = opened(path);
  again.commit([put([2], Buffer.alloc(50_000, 2))]);
  const after = again.stats();
  assert.ok(statSync(path).blocks * 512 > after.pages * after.pageSizeBytes, 'blocks behind the last page');
  assert.ok(after.fileSizeBytes >= 100 << 20);
  again.close();
  assert.equal(opened(path).get(Buffer.from([2])), Buffer.alloc(50_000, 2));
});

disks('a limit on address space is told in words', () => {
  if (process.platform !== 'linux') return assert.is.not(process.platform, 'linux');
  const program = `import { LmdbDisk } from ${JSON.stringify(new URL('../../../../native-free-io/lmdb/lmdb-disk.ts', import.meta.url).href)};
    LmdbDisk.open({ path: ${JSON.stringify(freshPath())}, durability: 'flushed', mapSizeBytes: 2 ** 40 });`;
  const shell = `ulimit -v ${2 ** 29} && exec "$0" --input-type=module-typescript -e "$1"`;
  const run = spawnSync('sh', ['-c', shell, process.execPath, program], { encoding: 'utf8' });
  assert.match(run.stderr, /LmdbFailure: the store .* needs 1099511627776 bytes of address space/);
});

disks('a closed one says so', () => {
  const path = freshPath();
  const disk = opened(path);
  disk.close();
  assert.ok(existsSync(path));
  assert.throws(() => disk.get(LAST), /is closed/);
  assert.throws(() => disk.commit([put([1], LAST)]), /is closed/);
  assert.throws(() => [...disk.keys(FIRST, LAST)], /is closed/);
});

disks.run();
