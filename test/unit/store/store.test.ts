import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AppendFlag, Store } from '../../../src/store/store.ts';
import { STORE_FORMAT, StoreFormatError } from '../../../src/store/store-record.ts';
import { LeasedMemory } from '../../support/store-memory.ts';
import { DiskFullError } from '../../../src/store/port.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { loadSmallStore } from '../../property/store/store-copy.ts';

const stores = suite('the store');

function makeStore(disk = new MemoryDisk()): { readonly disk: MemoryDisk; readonly memory: LeasedMemory; readonly store: Store } {
  const memory = new LeasedMemory();
  const store = new Store(disk, memory, crc32);
  store.open();
  return { disk, memory, store };
}

const text = (content: string): Buffer => Buffer.from(content);

stores('says what waits', () => {
  const { memory, store, disk } = makeStore();
  assert.is(store.waiting, 'nothing');
  store.append(1, 0, memory.add(text('a message')), 0);
  assert.is(store.waiting, 'urgent');
  assert.is(store.collectedBytes, 9);
  assert.equal(store.commit(), { messages: 1, settled: 0, bytes: 9, cancelled: 0 });
  assert.is(store.waiting, 'nothing');
  assert.is(store.collectedBytes, 0);
  store.returned(1, 0, 1);
  assert.is(store.waiting, 'lazy');
  store.commit();
  store.settle(1, 0, 1);
  assert.is(store.waiting, 'lazy');
  assert.equal(store.commit(), { messages: 0, settled: 1, bytes: 0, cancelled: 0 });
  store.put(Buffer.from([1, 2]), text('a definition'));
  assert.is(store.waiting, 'urgent');
  store.commit();
  assert.is(String(disk.get(Buffer.from([1, 2]))), 'a definition');
  assert.throws(() => store.put(Buffer.from([2]), undefined), RangeError);
});

stores('writes nothing of what is settled in the same group', () => {
  const { memory, store, disk } = makeStore();
  for (let position = 0; position < 100; position++) store.append(1, position, memory.add(text('short-lived')), 0);
  store.settle(1, 0, 100);
  assert.is(memory.leases, 0);
  assert.equal(store.commit(), { messages: 0, settled: 0, bytes: 0, cancelled: 100 });
  assert.is(disk.commits, 0);
});

stores('does not try again what failed', () => {
  const { memory, store, disk } = makeStore();
  store.append(1, 0, memory.add(text('lost')), 0);
  disk.failing = true;
  assert.throws(() => store.commit(), /the device failed/);
  disk.failing = false;
  assert.throws(() => store.commit(), /the device failed/);
  assert.is(disk.commits, 0);
});

stores('tries again what found no room', () => {
  const { memory, store, disk } = makeStore();
  store.append(1, 0, memory.add(text('late')), AppendFlag.shared);
  disk.full = true;
  assert.throws(() => store.commit(), /no room/);
  store.append(1, 1, memory.add(text('later')), 0);
  disk.full = false;
  assert.equal(store.commit(), { messages: 2, settled: 0, bytes: 9, cancelled: 0 });
  assert.equal([...makeStore(disk).store.inventory(1)].map(({ sizeBytes }) => sizeBytes), [4, 5]);
});

stores('keeps single messages together', () => {
  const { memory, store, disk } = makeStore();
  for (let position = 0; position < 2000; position++) {
    store.append(1, position, memory.add(Buffer.alloc(20, position)), 0);
    store.commit();
  }
  // 2,048 bytes are reached with 103 messages; two records a segment, one of the queue, one of the store.
  assert.is(disk.size, 2 * Math.ceil(2000 / 103) + 2);
  store.settle(1, 0, 1999);
  store.commit();
  assert.is(disk.size, 5);
});

stores('gives a large message a segment of its own', () => {
  const { memory, store } = makeStore();
  for (const [position, size] of [100, 3_000_000, 100].entries()) store.append(1, position, memory.add(Buffer.alloc(size, 1 + position)), 0);
  store.commit();
  assert.is(store.describe().queues[0]!.kept.segments, 3);
  store.read(1, Int32Array.of(0, 1, 2), 3, (position, address) => {
    assert.is(memory.recordOf(address).length, position === 1 ? 3_000_000 : 100);
    assert.ok(memory.recordOf(address).every((byte) => byte === 1 + position));
  });
});

stores('keeps the body of a message for many queues once', () => {
  const { memory, store, disk } = makeStore();
  const address = memory.add(Buffer.alloc(50_000, 7));
  for (let queue = 0; queue < 50; queue++) {
    memory.hold(address);
    store.append(queue, 0, address, AppendFlag.shared);
    if (queue % 10 === 9) store.commit();
  }
  let bytes = 0;
  for (const { value } of disk.entries(Buffer.alloc(0), Buffer.from([9]))) bytes += value.length;
  assert.ok(bytes < 60_000, `${bytes} bytes`);
  for (let queue = 0; queue < 49; queue++) store.settle(queue, 0, 1);
  store.commit();
  assert.is(store.describe().sharedSegments, 1);
  store.settle(49, 0, 1);
  store.commit();
  assert.is(store.describe().sharedSegments, 0);
});

stores('does not believe a place that may mean another body', async () => {
  const small = await loadSmallStore();
  const memory = new LeasedMemory();
  const store = new small.Store(new MemoryDisk(), memory, crc32);
  store.open();
  const contents = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];
  const addresses = contents.map((content) => memory.add(text(content)));
  for (const [position, address] of addresses.entries()) {
    memory.hold(address);
    store.append(1, position, address, AppendFlag.shared);
  }
  store.commit();
  const liar = memory.add(text('liar!'));
  memory.setPlace(liar, memory.placeOf(addresses[2]!));
  store.append(2, 0, liar, AppendFlag.shared);
  memory.hold(addresses[2]!);
  store.append(2, 1, addresses[2]!, AppendFlag.shared);
  store.commit();
  const read: string[] = [];
  store.read(2, Int32Array.of(0, 1), 2, (_, address) => read.push(String(memory.recordOf(address))));
  assert.equal(read, ['liar!', 'three']);
});

stores('lets positions begin anew after a restart, behind what is left', () => {
  const disk = new MemoryDisk();
  const first = makeStore(disk);
  for (let position = 0; position < 10; position++) first.store.append(1, position, first.memory.add(text(`old ${position}`)), 0);
  first.store.append(2, 0, first.memory.add(text('old')), 0);
  first.store.commit();
  first.store.settle(1, 4, 6);
  first.store.settle(2, 0, 1);
  first.store.commit();
  const second = makeStore(disk);
  assert.is(second.store.nextPosition(1), 4);
  assert.is(second.store.nextPosition(2), 0);
  for (let position = 4; position < 8; position++) second.store.append(1, position, second.memory.add(text(`new ${position}`)), 0);
  second.store.append(2, 0, second.memory.add(text('new')), 0);
  second.store.commit();
  const third = makeStore(disk);
  const read: string[] = [];
  third.store.read(1, Int32Array.of(0, 3, 4, 7, 8), 5, (_, address) => read.push(address === -1 ? 'none' : String(third.memory.recordOf(address))));
  assert.equal(read, ['old 0', 'old 3', 'new 4', 'new 7', 'none']);
});

stores('is clean once', () => {
  const disk = new MemoryDisk();
  const first = makeStore(disk);
  first.store.append(1, 0, first.memory.add(text('seen')), 0);
  first.store.append(1, 1, first.memory.add(text('unseen')), 0);
  first.store.commit();
  first.store.returned(1, 0, 1);
  first.store.markClean();
  const second = new Store(disk, new LeasedMemory(), crc32);
  assert.is(second.open().clean, true);
  assert.equal([...second.inventory(1)].map(({ flags, deliveries }) => [flags, deliveries]), [[1, 1], [0, 0]]);
  assert.is(second.waiting, 'urgent');
  second.commit();
  assert.is(second.waiting, 'nothing');
  const third = new Store(disk, new LeasedMemory(), crc32);
  assert.is(third.open().clean, false);
  assert.equal([...third.inventory(1)].map(({ flags }) => flags), [1, 1]);
});

stores('refuses another format, and says what to do', () => {
  const disk = new MemoryDisk();
  const { store, memory } = makeStore(disk);
  store.append(1, 0, memory.add(text('m')), 0);
  store.commit();
  for (const [format, advice] of [[STORE_FORMAT + 1, /start the newer version/], [STORE_FORMAT - 1, /let the older version/]] as const) {
    const key = Buffer.from([2]);
    const value = disk.get(key)!;
    value.writeUInt16BE(format, 6);
    value.writeUInt32BE(crc32(value.subarray(4), crc32(key)), 0);
    disk.commit([{ key, value }]);
    const later = new Store(disk, new LeasedMemory(), crc32);
    assert.throws(() => later.open(), (error: unknown) => error instanceof StoreFormatError && advice.test(error.message));
  }
});

stores('a queue that is gone leaves no record, also when the process ended before it was forgotten', () => {
  const { disk, memory, store } = makeStore();
  store.append(7, 0, memory.add(text('kept')), 0);
  store.commit();
  const withOne = disk.size;
  store.settle(7, 0, 1);
  store.commit();
  const later = new Store(disk, memory, crc32);
  later.open();
  assert.equal([...later.queues()], [], 'it holds nothing');
  assert.equal([...later.known()], [7]);
  later.forget(7);
  later.commit();
  // The record that says how many there are stays.
  assert.ok(disk.size < withOne && disk.size === 1, `${disk.size} keys are left`);
});

stores('knows through a clean stop which messages may have done what was not told, and which may be there twice', () => {
  const disk = new MemoryDisk();
  const first = makeStore(disk);
  for (let position = 0; position < 4; position++) first.store.append(1, position, first.memory.add(text('x')), position === 3 ? AppendFlag.redelivered | AppendFlag.repeated : 0);
  first.store.commit();
  assert.is(first.store.unsureTo(1), undefined);
  first.store.unsure(1, 1);
  first.store.markClean();
  const flagsOf = (store: Store): number[] => [...store.inventory(1)].map(({ flags }) => flags);
  const second = makeStore(disk);
  assert.is(second.store.unsureTo(1), 2);
  assert.equal(flagsOf(second.store), [1, 1, 0, AppendFlag.redelivered | AppendFlag.repeated]);
  second.store.markClean();
  assert.is(makeStore(disk).store.unsureTo(1), 2, 'as long as they are there');
  second.store.commit();
  const third = new Store(disk, new LeasedMemory(), crc32);
  third.open();
  third.commit();
  const fourth = new Store(disk, new LeasedMemory(), crc32);
  assert.is(fourth.open().clean, false);
  assert.is(fourth.unsureTo(1), 4, 'all that were there');
});

stores('says how long the mark of a clean stop stands', () => {
  const { disk, memory, store } = makeStore();
  store.append(7, 0, memory.add(text('kept')), 0);
  store.markClean();
  const later = new Store(disk, memory, crc32);
  assert.is(later.marked, false);
  assert.is(later.open().clean, true);
  disk.full = true;
  assert.throws(() => later.commit(), (error: unknown) => error instanceof DiskFullError);
  assert.is(later.marked, true, 'it could not be removed');
  disk.full = false;
  later.commit();
  assert.is(later.marked, false);
});

stores('keeps of what was paged out only what lives after a crash of its queue', () => {
  const { memory, store } = makeStore();
  for (let position = 0; position < 6; position++) store.append(7, position, memory.add(text('message')), position < 3 ? 0 : AppendFlag.paged);
  store.commit();
  store.retain(7, Int32Array.from([4, 1]), 2, 6, true);
  store.commit();
  const [queue] = store.describe().queues;
  assert.is(queue?.kept.messages, 3, 'what is kept stays');
  assert.is(queue?.paged.messages, 1);
});

stores('describes itself', () => {
  const { memory, store } = makeStore();
  store.append(7, 0, memory.add(text('kept')), 0);
  store.append(7, 1, memory.add(text('paged out')), AppendFlag.paged);
  store.commit();
  assert.equal(store.describe(), {
    queues: [
      { queue: 7, kept: { segments: 1, messages: 1, bytes: 4 }, paged: { segments: 1, messages: 1, bytes: 9 }, damage: undefined },
    ],
    sharedSegments: 0,
  });
  assert.equal([...store.queues()], [7]);
});

stores.run();
