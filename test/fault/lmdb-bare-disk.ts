/** LMDB without the guards of the store's disk: what stands between a damaged file and a crash must be the file check alone. */
import { open } from 'lmdb';
import type { RootDatabase, RootDatabaseOptions } from 'lmdb';
import type { LmdbChange, LmdbEntry } from '../../native-free-io/lmdb/lmdb-disk.ts';

const MAP_BYTES = 1 << 28;
/** In steps, as the store's disk reads. */
const STEP_ENTRIES = 256;

export class BareDisk {
  readonly #database: RootDatabase<Buffer, Uint8Array>;

  constructor(path: string) {
    const settings = { noSubdir: true, maxDbs: 1, mapSize: MAP_BYTES, keyEncoding: 'binary', encoding: 'binary', overlappingSync: false, noSync: true } as const;
    this.#database = open<Buffer, Uint8Array>(path, settings as RootDatabaseOptions);
  }

  *entries(): Iterable<LmdbEntry> {
    for (let start: Buffer | undefined = Buffer.alloc(1); start !== undefined; ) {
      const step = [...this.#database.getRange({ start, limit: STEP_ENTRIES })] as LmdbEntry[];
      const last = step.at(-1);
      start = last === undefined ? undefined : Buffer.concat([last.key, Buffer.alloc(1)]);
      yield* step;
    }
  }

  commit(changes: readonly LmdbChange[]): void {
    this.#database.transactionSync(() => {
      for (const { key, value } of changes) {
        if (value === undefined) void this.#database.remove(key);
        else void this.#database.put(key, Buffer.from(value));
      }
    });
  }

  close(): void {
    void this.#database.close();
  }
}
