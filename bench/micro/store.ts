/** Cost of the store without its disk: append, settle and commit of messages of 100 bytes, and what a restart reads. */
import { crc32 } from 'node:zlib';
import type { Disk, DiskChange, DiskEntry, StoreMemory } from '../../src/store/port.ts';
import { AppendFlag, Store } from '../../src/store/store.ts';
import { report } from './support/report.ts';

const GROUP = 1000;
const RECORD_BYTES = 130;

/** Keeps copies, in no order until somebody asks for it. */
class HeapDisk implements Disk {
  readonly values = new Map<string, Buffer>();

  get(key: Uint8Array): Buffer | undefined {
    return this.values.get(Buffer.from(key).toString('latin1'));
  }

  *keys(from: Uint8Array, to: Uint8Array): Generator<Buffer> {
    const [first, end] = [Buffer.from(from).toString('latin1'), Buffer.from(to).toString('latin1')];
    for (const key of [...this.values.keys()].sort()) if (key >= first && key < end) yield Buffer.from(key, 'latin1');
  }

  *entries(from: Uint8Array, to: Uint8Array): Generator<DiskEntry> {
    for (const key of this.keys(from, to)) yield { key, value: this.get(key)! };
  }

  commit(changes: readonly DiskChange[]): void {
    for (const { key, value } of changes) {
      const text = Buffer.from(key).toString('latin1');
      if (value === undefined) this.values.delete(text);
      else this.values.set(text, Buffer.from(value));
    }
  }
}

/** Takes everything and keeps nothing: what is left is the store. */
class NoDisk extends HeapDisk {
  override commit(): void {}
}

const block = Buffer.alloc(RECORD_BYTES * 4096, 7);
const places = new Int32Array(4096);
let released = 0;
const memory: StoreMemory = {
  sizeOf: () => RECORD_BYTES,
  copy: (address, size, target, at) => {
    const from = (address & 4095) * RECORD_BYTES;
    block.copy(target, at, from, from + size);
  },
  recordOf: (address) => block.subarray((address & 4095) * RECORD_BYTES, ((address & 4095) + 1) * RECORD_BYTES),
  release: () => void released++,
  write: () => 1,
  placeOf: (address) => places[address & 4095]!,
  setPlace: (address, place) => void (places[address & 4095] = place),
};

function groups(name: string, group: (store: Store, from: number) => void): void {
  const store = new Store(new NoDisk(), memory, crc32);
  store.open();
  let from = 0;
  report(name, 'message', GROUP, () => {
    group(store, from);
    store.commit();
    from = (from + GROUP) | 0;
  });
}

const append = (store: Store, queue: number, position: number, flags: number): void => store.append(queue, position | 0, (position & 4095) + 1, flags);

groups('store: append, commit, settle 100 at a time', (store, from) => {
  for (let n = 0; n < GROUP; n++) append(store, 1, from + n, 0);
  for (let n = 0; n < GROUP; n += 100) store.settle(1, (from - GROUP + n) | 0, 100);
});
groups('store: append, commit, settle one by one', (store, from) => {
  for (let n = 0; n < GROUP; n++) append(store, 1, from + n, 0);
  for (let n = 0; n < GROUP; n++) store.settle(1, (from - GROUP + n) | 0, 1);
});
groups('store: append, settle before the commit', (store, from) => {
  for (let n = 0; n < GROUP; n++) append(store, 1, from + n, 0);
  for (let n = 0; n < GROUP; n++) store.settle(1, (from + n) | 0, 1);
});
groups('store: ten queues, 100 messages each', (store, from) => {
  for (let n = 0; n < GROUP; n++) append(store, n % 10, from + n, 0);
  for (let queue = 0; queue < 10; queue++) store.settle(queue, (from - GROUP) | 0, GROUP);
});
groups('store: one body to ten queues', (store, from) => {
  for (let n = 0; n < GROUP; n++) {
    const body = (from / 10 + n / 10) & 4095;
    if (n % 10 === 0) places[body] = 0;
    store.append(n % 10, ((from + n) / 10) | 0, body, AppendFlag.shared);
  }
  for (let queue = 0; queue < 10; queue++) store.settle(queue, (from / 10 - GROUP / 10) | 0, GROUP / 10);
});
if (released === 0) throw new Error('no lease ended');

const BACKLOG = 10_000_000;
/** As many messages as the groups of a busy node have. */
const BACKLOG_GROUP = 1024;
const disk = new HeapDisk();
const before = new Store(disk, { ...memory, recordOf: () => block.subarray(0, 8) }, crc32);
before.open();
for (let from = 0; from < BACKLOG; from += BACKLOG_GROUP) {
  for (let n = from; n < Math.min(from + BACKLOG_GROUP, BACKLOG); n++) append(before, 1, n, 0);
  before.commit();
}
const opened = performance.now();
const after = new Store(disk, memory, crc32);
after.open();
const listed = performance.now();
let count = 0;
for (const { sizeBytes } of after.inventory(1)) if (sizeBytes === 8) count++;
const done = performance.now();
if (count !== BACKLOG || after.damageOf(1) !== undefined) throw new Error(`${count} of ${BACKLOG}: ${after.damageOf(1)}`);
process.stdout.write(
  `store: restart with ${BACKLOG} messages: open ${(listed - opened).toFixed(0)} ms, inventory ${(done - listed).toFixed(0)} ms\n`,
);
