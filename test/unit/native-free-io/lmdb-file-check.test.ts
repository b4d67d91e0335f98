import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../../native-free-io/lmdb/lmdb-database.ts';
import { LmdbDisk } from '../../../native-free-io/lmdb/lmdb-disk.ts';
import { checkLmdbFile } from '../../../native-free-io/lmdb/file-check.ts';
import { Random } from '../../support/hostile/random.ts';

const PAGE = 4096;
const META = { magic: 24, mapBytes: 40, freeFlags: 52, mainDepth: 102, mainLeafPages: 112, mainEntries: 128, mainRoot: 136, lastPage: 144, transaction: 152 };
const directory = mkdtempSync(join(tmpdir(), 'leveret-check-'));
const test = suite('check of an LMDB file');

let pristine: Buffer;
/** The page of the newest meta page, the pages of the main tree, and the page that lists free pages. */
let meta = 0;
let root = 0;
let leaf = 0;
let freeLeaf = 0;
const commits: Buffer[] = [];

test.before(() => {
  const path = join(directory, 'pristine');
  const disk = LmdbDisk.open({ path, durability: 'written', mapSizeBytes: 1 << 26 });
  for (let commit = 0; commit < 6; commit++) {
    disk.commit(Array.from({ length: 60 }, (_, index) => ({ key: keyOf(commit * 30 + index), value: Buffer.alloc(index === 0 ? 9_000 : 100, commit) })));
    commits.push(readFileSync(path));
  }
  disk.close();
  pristine = readFileSync(path);
  meta = pristine.readUInt32LE(META.transaction) > pristine.readUInt32LE(PAGE + META.transaction) ? 0 : 1;
  root = pristine.readUInt32LE(meta * PAGE + META.mainRoot) * PAGE;
  leaf = pristine.readUInt32LE(nodeOf(pristine, root, 1)) * PAGE;
  freeLeaf = pristine.readUInt32LE(meta * PAGE + 88) * PAGE;
});

test.after(() => rmSync(directory, { recursive: true, force: true }));

function keyOf(number: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeUInt32BE(number, 4);
  return key;
}

function nodeOf(bytes: Buffer, page: number, index: number): number {
  return page + 24 + bytes.readUInt16LE(page + 24 + 2 * index);
}

/** The node of a large value in the leaf pages. */
function largeNode(bytes: Buffer): number {
  for (let child = 0; child < bytes.readUInt16LE(root + 20) / 2; child++) {
    const page = bytes.readUInt32LE(nodeOf(bytes, root, child)) * PAGE;
    for (let index = 0; index < bytes.readUInt16LE(page + 20) / 2; index++) {
      const node = nodeOf(bytes, page, index);
      if (bytes.readUInt16LE(node + 4) === 1) return node;
    }
  }
  throw new Error('no large value');
}

function check(bytes: Buffer): ReturnType<typeof checkLmdbFile> {
  const path = join(directory, 'damaged');
  writeFileSync(path, bytes);
  return checkLmdbFile(path);
}

function faultOf(damage: (bytes: Buffer) => void): string {
  const bytes = Buffer.from(pristine);
  damage(bytes);
  const found = check(bytes);
  return found.sound ? 'sound' : found.fault;
}

test('an environment as LMDB leaves it, after each commit', () => {
  for (const [index, bytes] of commits.entries()) {
    const found = check(bytes);
    assert.equal(found, { sound: true, pages: found.sound ? found.pages : 0, entries: 60 + 30 * index, transaction: index + 1 });
  }
});

test('an environment that was opened and never written', () => {
  const path = join(directory, 'new');
  LmdbDisk.open({ path, durability: 'written', mapSizeBytes: 1 << 26 }).close();
  assert.equal(checkLmdbFile(path), { sound: true, pages: 0, entries: 0, transaction: 0 });
});

test('an environment whose entries are all gone', () => {
  const path = join(directory, 'emptied');
  const disk = LmdbDisk.open({ path, durability: 'written', mapSizeBytes: 1 << 26 });
  disk.commit([{ key: keyOf(1), value: Buffer.alloc(9_000) }]);
  disk.commit([{ key: keyOf(1), value: undefined }]);
  disk.close();
  const found = checkLmdbFile(path);
  assert.ok(found.sound && found.entries === 0 && found.transaction === 2, JSON.stringify(found));
});

test('pages at the end of the file that one commit took and let go again, and never wrote', () => {
  const path = join(directory, 'short');
  // LMDB alone: the store's disk makes the file longer beforehand.
  const database = openDatabase(path, false, 1 << 26);
  for (let commit = 0; commit < 6; commit++) database.transactionSync(() => void database.put(keyOf(1), Buffer.alloc(100, commit)));
  database.transactionSync(() => {
    void database.put(keyOf(2), Buffer.alloc(100));
    void database.put(keyOf(3), Buffer.alloc(200_000));
    void database.remove(keyOf(3));
  });
  const pages = database.env.info().lastPageNumber + 1;
  void database.close();
  assert.ok(readFileSync(path).length < pages * PAGE, 'the file ends before its last page');
  assert.is(checkLmdbFile(path).sound, true);
  const again = LmdbDisk.open({ path, durability: 'written', mapSizeBytes: 1 << 26 });
  for (let commit = 0; commit < 5; commit++) again.commit([{ key: keyOf(4 + commit), value: Buffer.alloc(40_000) }]);
  again.close();
  assert.is(checkLmdbFile(path).sound, true);
});

test('no file, an empty one, a directory, text', () => {
  const faults = [join(directory, 'nothing'), directory].map((path) => checkLmdbFile(path)).map((found) => (found.sound ? 'sound' : found.fault));
  assert.match(faults[0]!, /cannot be opened/);
  assert.match(faults[1]!, /is not a file/);
  assert.match(faultIn(Buffer.alloc(0)), /is empty/);
  assert.match(faultIn(Buffer.from('hello')), /ends at byte 5/);
  assert.match(faultIn(Buffer.alloc(9_000, 'x')), /page 0 is not a meta page/);
});

function faultIn(bytes: Buffer): string {
  const found = check(bytes);
  return found.sound ? 'sound' : found.fault;
}

test('meta pages', () => {
  const at = meta * PAGE;
  const other = (1 - meta) * PAGE;
  assert.match(faultOf((bytes) => bytes.fill(0, 0, 512)), /page 0 is not a meta page/);
  assert.match(faultOf((bytes) => bytes.fill(0, PAGE, 2 * PAGE)), /page 1 is not a meta page/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(1, other + META.magic)), /does not carry LMDB's mark/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(3, other + META.magic + 4)), /data version 3/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(5000, 48)), /no size of pages/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(8192, PAGE + 48)), /meta page 1 says that pages have 8192 bytes/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(4, other + META.freeFlags)), /flags of meta pages/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(1 << 30, at + META.mapBytes + 4)), /its size of the map/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(1 << 30, at + META.lastPage + 4)), /its last page is impossible/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(1 << 26, at + META.lastPage)), /the file ends after/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(2, at + META.lastPage)), /outside of pages 2 to 2/);
});

test('the number of a transaction decides which meta page LMDB takes, so a wrong one is noticed', () => {
  const newest = pristine.readUInt32LE(meta * PAGE + META.transaction);
  for (const page of [0, 1]) {
    for (let bit = 0; bit < 63; bit++) {
      const fault = faultOf((bytes) => {
        const at = page * PAGE + META.transaction + (bit >>> 3);
        bytes[at] = bytes[at]! ^ (1 << (bit & 7));
      });
      assert.is.not(fault, 'sound', `bit ${bit} of meta page ${page}, newest transaction ${newest}`);
    }
  }
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(newest - 2, meta * PAGE + META.transaction)), /a whole commit of transaction 6/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(newest + 1, (1 - meta) * PAGE + META.transaction)), /commits are missing/);
});

test('a commit torn by a loss of power in the older meta page is legal, wherever it was torn', () => {
  // The pages of the last commit are there, and of its meta page the bytes up to `torn`; nobody was told of it.
  const before = commits.at(-2)!;
  const start = meta * PAGE + META.mapBytes;
  const trees = meta * PAGE + META.lastPage;
  const end = meta * PAGE + META.transaction;
  let legal = 0;
  for (let torn = start; torn < end; torn++) {
    const bytes = Buffer.from(pristine);
    before.copy(bytes, torn, torn, meta * PAGE + 168);
    const found = check(bytes);
    if (found.sound) legal++;
    // All of it but the numbers behind the trees: that is what a damaged number looks like too, and the commit is kept.
    else assert.ok(found.later !== undefined && bytes.subarray(start, trees).equals(pristine.subarray(start, trees)), found.fault);
  }
  assert.ok(legal > (end - start) / 2, `${legal} of ${end - start}`);
});

test('a commit that was interrupted at any sector before its meta page leaves the one before it', () => {
  const random = new Random(11);
  for (let round = 0; round < 300; round++) {
    const index = random.between(1, commits.length - 1);
    const [before, after] = [commits[index - 1]!, commits[index]!];
    const bytes = Buffer.alloc(random.between(before.length, Math.max(before.length, after.length)));
    before.copy(bytes);
    for (let at = 2 * PAGE; at < bytes.length; at += 512) if (random.chance(50)) after.copy(bytes, at, at, at + 512);
    const found = check(bytes);
    assert.ok(found.sound && found.transaction === index, `round ${round}: ${JSON.stringify(found)}`);
  }
});

test('the record of a tree', () => {
  const at = meta * PAGE;
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(3, at + META.mainDepth)), /its flags are/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(33, at + META.mainDepth)), /33 pages deep/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(0, at + META.mainDepth)), /0 pages deep, with root page/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(999, at + META.mainLeafPages)), /the main tree says that it has 999 leaf pages/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(999, at + META.mainEntries)), /the main tree says that it has 999 entries/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(1, at + META.mainRoot)), /leads to page 1/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(4, at + 100)), /the main tree has the flags 4/);
});

test('the head of a page', () => {
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(77, leaf)), /page \d+ \(leaf\): it says that it is page 77/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(99, leaf + 8)), /it is of transaction 99, what leads to it of 6/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(1, leaf + 18)), /its flags are 1/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(5001, leaf + 20)), /its bounds are 5001/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(bytes.readUInt16LE(leaf + 20) - 2, leaf + 20)), /overlap or leave gaps/);
  assert.match(faultOf((bytes) => bytes.fill(0, leaf, leaf + PAGE)), /it says that it is page 0/);
});

test('nodes and keys', () => {
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(4090, leaf + 24)), /node 0 starts outside/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(bytes.readUInt16LE(leaf + 24), leaf + 26)), /overlap or leave gaps/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(3000, nodeOf(bytes, leaf, 1) + 6)), /longer than a node can be/);
  assert.match(faultOf((bytes) => bytes.writeUInt16LE(4, nodeOf(bytes, leaf, 1) + 4)), /has the flags 4/);
  assert.match(faultOf((bytes) => bytes.fill(0xff, nodeOf(bytes, leaf, 1) + 8, nodeOf(bytes, leaf, 1) + 12)), /does not come after the one before/);
  assert.match(faultOf((bytes) => bytes.fill(0, nodeOf(bytes, leaf, 0) + 8, nodeOf(bytes, leaf, 0) + 16)), /node 0 does not come after the one before/);
  assert.match(faultOf((bytes) => bytes.fill(0xff, nodeOf(bytes, root, 1) + 8, nodeOf(bytes, root, 1) + 12)), /does not come after the one before/);
  assert.match(faultOf((bytes) => bytes.copy(bytes, nodeOf(bytes, root, 1), nodeOf(bytes, root, 2), nodeOf(bytes, root, 2) + 4)), /does not come after|in use elsewhere/);
});

test('large values: where they stand and how they begin', () => {
  const node = largeNode(pristine) + 16;
  const page = pristine.readUInt32LE(node) * PAGE;
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(70_000, node)), /outside of pages/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(2, node + 16)), /bytes on 2 pages/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(leaf / PAGE, node)), /in use elsewhere|not the beginning/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(30_000, page + 20)), /not the beginning of it/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(1, page + 14)), /not the beginning of it/);
  assert.is(faultOf((bytes) => bytes.fill(0xee, page + 24, page + 9_000)), 'sound', 'their bytes have a checksum of their own');
});

test('lists of free pages', () => {
  const node = nodeOf(pristine, freeLeaf, pristine.readUInt16LE(freeLeaf + 20) / 2 - 1) + 16;
  const count = pristine.readUInt32LE(node);
  assert.ok(count > 0);
  const place = Array.from({ length: count }, (_, index) => node + 8 + 8 * index).find((at) => pristine.readInt32LE(at) > 0)!;
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(60_000, node)), /its list has 60000 numbers/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(leaf / PAGE, place)), /is free, which is in use|in use elsewhere/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(60_000, place)), /says that page 60000 is free/);
  assert.match(faultOf((bytes) => bytes.writeUInt32LE(0xffff_fff0, node + 8 * count) + bytes.writeInt32LE(-1, node + 8 * count + 4)), /in the middle of a run|is free/);
});

test('a cut tail', () => {
  assert.match(faultIn(pristine.subarray(0, 5 * PAGE)), /outside of pages|ends after/);
});

test('whatever the bytes are, there is an answer', () => {
  const random = new Random(7);
  const used = (pristine.readUInt32LE(meta * PAGE + META.lastPage) + 1) * PAGE;
  let refused = 0;
  for (let round = 0; round < 400; round++) {
    const bytes = Buffer.from(pristine);
    for (let wounds = random.between(1, 40); wounds > 0; wounds--) bytes[random.below(used)] = random.below(256);
    random.bytes(random.below(64)).copy(bytes, random.pick([0, PAGE, root, leaf, freeLeaf]) + random.below(PAGE - 64));
    if (!check(bytes).sound) refused++;
  }
  assert.ok(refused > 150, `${refused} refused`);
});

test.run();
