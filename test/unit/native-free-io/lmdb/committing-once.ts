/** Started by `lmdb-facts.test.ts` under strace: one commit in the way that is asked for, between two marks in the trace. */
import { writeSync } from 'node:fs';
import { open } from 'lmdb';
import { LmdbDisk } from '../../../../native-free-io/lmdb/lmdb-disk.ts';

const [way = '', path = ''] = process.argv.slice(2);
const key = Buffer.from('key');
const [before, after] = [Buffer.from('before'), Buffer.from('after')];

function mark(text: string): void {
  writeSync(1, `${text} mark\n`);
}

function commitByDisk(durability: 'flushed' | 'written'): void {
  const disk = LmdbDisk.open({ path, durability, mapSizeBytes: 1 << 30 });
  disk.commit([{ key, value: before }]);
  mark('begin');
  disk.commit([{ key, value: after }]);
  mark('end');
}

async function commitOverlapping(): Promise<void> {
  const database = open<Buffer, Uint8Array>(path, { noSubdir: true, keyEncoding: 'binary', encoding: 'binary', overlappingSync: true });
  database.transactionSync(() => void database.put(key, before));
  mark('begin');
  if (way === 'transactionSync') database.transactionSync(() => void database.put(key, after));
  else if (way === 'putSync') database.putSync(key, after);
  else if (way === 'put') await database.put(key, after);
  else {
    void database.put(key, after);
    while (String(database.get(key)) !== 'after') await new Promise(setImmediate);
  }
  mark('end');
  if (way === 'put, read and die') process.kill(process.pid, 'SIGKILL');
}

/** What LMDB itself does after a commit that failed. */
function commitAgain(): void {
  const database = open<Buffer, Uint8Array>(path, { noSubdir: true, keyEncoding: 'binary', encoding: 'binary', overlappingSync: false });
  database.transactionSync(() => void database.put(key, before));
  mark('begin');
  try {
    database.transactionSync(() => void database.put(key, after));
  } catch (error) {
    mark(`failed with ${(error as { readonly code?: number }).code}, ${String(database.get(key))} is read,`);
    database.transactionSync(() => void database.put(key, after));
  }
  mark('end');
}

if (way === 'disk flushed') commitByDisk('flushed');
else if (way === 'disk written') commitByDisk('written');
else if (way === 'again') commitAgain();
else await commitOverlapping();
