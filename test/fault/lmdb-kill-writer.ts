/** Started by `lmdb-kill.test.ts`: commits as fast as it can and reports the number of each commit, until it is killed. */
import { writeSync } from 'node:fs';
import { LmdbDisk } from '../../native-free-io/lmdb/lmdb-disk.ts';
import type { LmdbDurability } from '../../native-free-io/lmdb/lmdb-disk.ts';
import { LAST_NUMBER, changesOf } from './lmdb-kill-content.ts';

const [path = '', durability = 'flushed', hasty] = process.argv.slice(2);
const disk = LmdbDisk.open({ path, durability: durability as LmdbDurability, mapSizeBytes: 1 << 20 });
for (let number = (disk.get(LAST_NUMBER)?.readUInt32BE() ?? 0) + 1; ; number++) {
  if (hasty !== undefined) writeSync(1, `${number}\n`);
  disk.commit(changesOf(number));
  if (hasty === undefined) writeSync(1, `${number}\n`);
}
