/** The file looked into answers what LMDB itself answers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LmdbFileDisk } from '../../../native-free-io/lmdb/file-disk.ts';
import { newestTransaction } from '../../../native-free-io/lmdb/file-entries.ts';
import { LmdbDisk } from '../../../native-free-io/lmdb/lmdb-disk.ts';
import { Random } from '../../support/hostile/random.ts';

const directory = mkdtempSync(join(tmpdir(), 'leveret-file-disk-'));
const test = suite('a store file that is looked into');
test.after(() => rmSync(directory, { recursive: true, force: true }));

/** Keys with many common beginnings, zeros and 0xff at their ends: those at which a neighbour is easily mistaken. */
function anyKey(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.between(1, 4) }, () => random.pick([0, 1, 2, 0x7f, 0xfe, 0xff])));
}

test('values, keys and entries are those of LMDB, for keys that are there and keys that are not', () => {
  const random = new Random(7);
  const path = join(directory, 'store');
  const lmdb = LmdbDisk.open({ path, durability: 'written', mapSizeBytes: 1 << 26 });
  const looked = new LmdbFileDisk(path);
  for (let round = 0; round < 6; round++) {
    const changes = Array.from({ length: 200 }, () => ({ key: anyKey(random), value: Buffer.alloc(random.pick([0, 10, 300, 9_000]), round) }));
    const before = newestTransaction(path);
    lmdb.commit(changes);
    assert.is(newestTransaction(path), before + 1);
    for (let each = 0; each < 150; each++) {
      const [from, to] = [anyKey(random), anyKey(random)];
      assert.equal(looked.get(from), lmdb.get(from), from.toString('hex'));
      const isRange = Buffer.compare(from, to) < 0;
      assert.equal([...looked.keys(from, to)], isRange ? [...lmdb.keys(from, to)] : []);
      if (each % 10 === 0) assert.equal([...looked.entries(from, to)], isRange ? [...lmdb.entries(from, to)] : []);
    }
  }
  lmdb.close();
});

test.run();
