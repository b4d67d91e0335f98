/** The bound on the pages of a commit, against what LMDB takes, in histories that are meant to take much. LEVERET_TEST_SEED repeats a run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pagesOfCommit, type PageChange } from '../../../../native-free-io/lmdb/commit-pages.ts';
import { openDatabase, type LmdbDatabase } from '../../../../native-free-io/lmdb/lmdb-database.ts';
import { KEY_SIZE_MAX } from '../../../../native-free-io/lmdb/lmdb-disk.ts';
import { Random } from '../../../support/hostile/random.ts';
import { runSeed } from '../../../support/seeded-random.ts';

type History = {
  /** Changes of one commit, at most. */
  readonly changesMax: number;
  /** One of them is the upper bound of a value's size. */
  readonly sizes: readonly number[];
  readonly keySizeMax: number;
  /** Keys rise, or come anywhere. */
  readonly rising: boolean;
};

const HISTORIES: Readonly<Record<string, History>> = {
  'one small value each': { changesMax: 1, sizes: [100], keySizeMax: 16, rising: true },
  'small values anywhere': { changesMax: 200, sizes: [10, 100, 400], keySizeMax: 16, rising: false },
  'many small values': { changesMax: 3_000, sizes: [10, 60], keySizeMax: 16, rising: true },
  'long keys anywhere': { changesMax: 100, sizes: [10, 1_400], keySizeMax: KEY_SIZE_MAX, rising: false },
  'values of half a page': { changesMax: 60, sizes: [1_900, 2_040, 2_100], keySizeMax: 16, rising: false },
  'segments': { changesMax: 8, sizes: [100, 65_512, 262_120], keySizeMax: 16, rising: true },
  'everything': { changesMax: 100, sizes: [10, 2_000, 9_000, 70_000], keySizeMax: 60, rising: false },
};
const COMMITS = 60;
/** Every so many commits most of what is there is removed by one. */
const DRAIN_EVERY = 20;

const seed = runSeed();
const pages = suite(`pages of a commit (LEVERET_TEST_SEED=${seed})`);
const folder = mkdtempSync(join(tmpdir(), 'leveret-pages-'));
pages.after(() => rmSync(folder, { recursive: true, force: true }));

function commit(database: LmdbDatabase, changes: readonly PageChange[]): { taken: number; bound: number } {
  const { lastPageNumber } = database.env.info();
  const bound = pagesOfCommit(changes, { ...database.env.stat(), lastPageNumber });
  database.transactionSync(() => {
    for (const { key, value } of changes) {
      if (value === undefined) void database.remove(key);
      else void database.put(key, value);
    }
  });
  return { taken: database.env.info().lastPageNumber - lastPageNumber, bound };
}

function keyOf(history: History, random: Random, number: number): Buffer {
  const key = random.bytes(random.between(8, history.keySizeMax));
  if (history.rising) key.writeUInt32BE(number);
  return key;
}

for (const [name, history] of Object.entries(HISTORIES)) {
  pages(`${name}: LMDB takes no more than the bound`, () => {
    const random = new Random(seed);
    const database = openDatabase(join(folder, `${name}.mdb`), false, 1 << 30);
    let held: Buffer[] = [];
    let number = 0;
    let takenInAll = 0;
    for (let n = 1; n <= COMMITS; n++) {
      const changes: PageChange[] = [];
      const remove = (key: Buffer): void => void changes.push({ key, value: undefined });
      if (n % DRAIN_EVERY === 0) {
        held.filter((_, index) => index % 10 > 0).forEach(remove);
        held = held.filter((_, index) => index % 10 === 0);
      }
      for (let each = random.between(1, history.changesMax); each > 0; each--) {
        const isRemoved = held.length > 0 && random.chance(20);
        const key = isRemoved ? held.splice(random.below(held.length), 1)[0]! : held.length > 0 && random.chance(10) ? random.pick(held) : keyOf(history, random, ++number);
        if (isRemoved) remove(key);
        else changes.push({ key, value: random.bytes(random.between(0, random.pick(history.sizes))) });
        if (!isRemoved) held.push(key);
      }
      const { taken, bound } = commit(database, changes);
      takenInAll += taken;
      assert.ok(taken <= bound, `commit ${n} of ${changes.length} changes took ${taken} pages, and ${bound} were expected at most`);
    }
    assert.ok(takenInAll > 0, 'the file grew');
    void database.close();
  });
}

pages.run();
