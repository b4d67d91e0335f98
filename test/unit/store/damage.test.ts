/** Any byte of any record changed, any record missing or under another key: nothing wrong is ever read, and it is noticed. */
import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LeasedMemory } from '../../support/store-memory.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { loadSmallStore } from '../../property/store/store-copy.ts';

/** With small bounds few messages make many records. */
const { AppendFlag, Store } = await loadSmallStore();

const damage = suite('damage on the disk');

const QUEUES = [1, 2, 3, 4];
/** Refers to no shared body, and so must stay sound whatever happens to the others. */
const LONER = 4;
const EVERYTHING = [Buffer.alloc(0), Buffer.from([0xff])] as const;

type Content = ReadonlyMap<number, Buffer>;

/** Four queues with all kinds of records, and what is in them. */
function fullDisk(): { readonly disk: MemoryDisk; readonly contents: ReadonlyMap<number, Content> } {
  const disk = new MemoryDisk();
  const memory = new LeasedMemory();
  const store = new Store(disk, memory, crc32);
  store.open();
  const contents = new Map<number, Map<number, Buffer>>(QUEUES.map((queue) => [queue, new Map()]));
  const append = (queue: number, position: number, flags: number, address: number): void => {
    contents.get(queue)!.set(position, Buffer.from(memory.recordOf(address)));
    store.append(queue, position, address, flags);
  };
  const text = (queue: number, position: number): Buffer => Buffer.from(`message ${position}, queue ${queue}`);
  for (const queue of QUEUES) {
    // With holes; some came back, some are settled.
    for (let n = 0; n < 24; n++) append(queue, n * 2, n === 3 ? AppendFlag.redelivered : 0, memory.add(text(queue, n * 2)));
    store.commit();
    store.returned(queue, 8, 2);
    store.settle(queue, 10, 20);
    for (let position = 10; position < 30; position++) contents.get(queue)!.delete(position);
  }
  for (let position = 300; position < 304; position++) {
    const address = memory.add(Buffer.from(`shared body ${position}`));
    for (const queue of [1, 2, 3]) {
      memory.hold(address);
      append(queue, position, AppendFlag.shared, address);
    }
    memory.release(address);
  }
  store.commit();
  for (const queue of QUEUES) append(queue, 400, 0, memory.add(text(queue, 400)));
  store.markClean();
  return { disk, contents };
}

const { disk, contents } = fullDisk();
const records = [...disk.entries(...EVERYTHING)];

/** Opens what is there, takes all of it over and reads it. Answers what was found wrong; throws when anything false was read. */
function examine(spoilt: MemoryDisk): { readonly queues: number[]; readonly lost: number; readonly faults: number; readonly clean: boolean } {
  const memory = new LeasedMemory();
  const store = new Store(spoilt, memory, crc32);
  const { clean, faults } = store.open();
  let lost = 0;
  for (const queue of QUEUES) {
    const expected = contents.get(queue)!;
    const positions: number[] = [];
    // Of a queue that is known to be damaged what was settled may come back; nobody is served.
    const sound = store.damageOf(queue) === undefined;
    for (const { position, sizeBytes, flags, deliveries } of store.inventory(queue)) {
      if (!sound && !expected.has(position)) continue;
      assert.is(sizeBytes, expected.get(position)?.length, `position ${position} of queue ${queue}`);
      positions.push(position);
      if (!sound) continue;
      assert.is(deliveries, position === 8 ? 2 : 0);
      assert.is(flags, !clean || position === 6 || position === 8 ? 1 : 0);
    }
    lost += expected.size - positions.length;
    assert.ok(expected.size === positions.length || faults.length > 0 || store.damageOf(queue) !== undefined, `queue ${queue} lost messages in silence`);
    store.read(queue, Int32Array.from(positions), positions.length, (position, address) => {
      if (address === -1) {
        lost++;
        return assert.ok(store.damageOf(queue) !== undefined, `position ${position} of queue ${queue} is gone in silence`);
      }
      assert.ok(memory.recordOf(address).equals(expected.get(position)!), `another content at position ${position} of queue ${queue}`);
      memory.release(address);
    });
  }
  for (const queue of QUEUES) assert.match(store.damageOf(queue) ?? `Queue ${queue}:`, new RegExp(`^Queue ${queue}\\b`));
  const queues = QUEUES.filter((queue) => store.damageOf(queue) !== undefined);
  return { queues, lost, faults: faults.length, clean };
}

function spoilt(change: (disk: MemoryDisk) => void): MemoryDisk {
  const copy = disk.copy();
  change(copy);
  return copy;
}

const queueOf = (key: Buffer): number => (key[0] === 4 ? key.readUInt32BE(1) : 0);

damage('is not there before it is made', () => {
  assert.equal(examine(disk.copy()), { queues: [], lost: 0, faults: 0, clean: true });
  assert.equal(new Set(records.map(({ key }) => (key[0] === 4 ? `4.${key[5]}.${key[14]}` : `${key[0]}`))).size, 7);
});

damage('of any byte of any value is noticed', () => {
  for (const { key, value } of records) {
    for (let at = 0; at < value.length; at++) {
      const changed = Buffer.from(value);
      changed[at]! ^= 1 << at % 8;
      const copy = spoilt((other) => other.commit([{ key, value: changed }]));
      if (key[0] === 2) {
        assert.throws(() => examine(copy), /the file is damaged/);
        continue;
      }
      const found = examine(copy);
      if (key[0] === 3) assert.equal(found, { queues: [], lost: 0, faults: 0, clean: false });
      else if (key[0] === 4) assert.equal(found.queues, [queueOf(key)], `byte ${at} of ${key.toString('hex')}`);
      else assert.equal(found.queues, [1, 2, 3], `byte ${at} of ${key.toString('hex')}`);
    }
  }
});

damage('that hides a record is noticed', () => {
  for (const { key } of records) {
    const copy = spoilt((other) => other.commit([{ key, value: undefined }]));
    if (key[0] === 2) {
      assert.throws(() => examine(copy), /is missing/);
      continue;
    }
    const found = examine(copy);
    if (key[0] === 3) assert.is(found.clean, false);
    else if (key[0] === 4) assert.equal(found.queues, [queueOf(key)], key.toString('hex'));
    else assert.equal(found.queues, [1, 2, 3], key.toString('hex'));
  }
});

damage('that hides all of a queue is noticed', () => {
  const keys = records.map(({ key }) => key).filter((key) => queueOf(key) === LONER);
  const found = examine(spoilt((other) => other.commit(keys.map((key) => ({ key, value: undefined })))));
  assert.is(found.faults, 1);
});

damage('that hides the end or the beginning of a queue is noticed', () => {
  const keys = records.map(({ key }) => key).filter((key) => queueOf(key) === LONER && key[5] === 1);
  const firsts = [...new Set(keys.map((key) => key.toString('hex', 6, 14)))];
  assert.ok(firsts.length > 1);
  for (const first of firsts) {
    const hidden = keys.filter((key) => key.toString('hex', 6, 14) === first);
    const found = examine(spoilt((other) => other.commit(hidden.map((key) => ({ key, value: undefined })))));
    assert.equal(found.queues, [LONER]);
  }
});

damage('that puts values under other keys is noticed', () => {
  for (const one of records) {
    for (const other of records) {
      if (one === other || one.value.equals(other.value) || one.key[0] === 2 || other.key[0] === 2) continue;
      const found = examine(spoilt((copy) => copy.commit([{ key: one.key, value: other.value }])));
      assert.ok(found.queues.length > 0 || !found.clean, `${one.key.toString('hex')} has the value of ${other.key.toString('hex')}`);
    }
  }
});

damage('of a key is noticed', () => {
  for (const { key, value } of records) {
    if (key[0] !== 4) continue;
    for (let at = 5; at < key.length; at++) {
      const changed = Buffer.from(key);
      changed[at]! ^= 1 << at % 8;
      const found = examine(spoilt((copy) => copy.commit([{ key, value: undefined }, { key: changed, value }])));
      assert.ok(found.queues.includes(queueOf(key)), `byte ${at} of ${key.toString('hex')}`);
    }
  }
});

damage('that hides a shared body is noticed before anything is read', () => {
  for (const { key } of records.filter((record) => record.key[0] === 5)) {
    const store = new Store(spoilt((other) => other.commit([{ key, value: undefined }])), new LeasedMemory(), crc32);
    assert.is(store.open().faults.length, 1);
    for (const queue of [1, 2, 3]) assert.match(store.damageOf(queue) ?? '', /their shared body \d+ is missing/);
    assert.is(store.damageOf(LONER), undefined);
  }
});

damage('stays noticeable when the queue goes on', () => {
  const first = records.find(({ key }) => queueOf(key) === LONER && key[5] === 1)!.key.subarray(0, 14);
  const hidden = records.filter(({ key }) => key.subarray(0, 14).equals(first));
  const copy = spoilt((other) => other.commit(hidden.map(({ key }) => ({ key, value: undefined }))));
  for (let start = 0; start < 3; start++) {
    const memory = new LeasedMemory();
    const store = new Store(copy, memory, crc32);
    store.open();
    assert.match(store.damageOf(LONER) ?? '', /^Queue 4 is damaged: its record speaks of \d+ messages in \d segments, and \d+ in \d are there/);
    store.append(LONER, 500 + start, memory.add(Buffer.from('more')), 0);
    store.settle(LONER, 400, 1);
    store.commit();
  }
});

damage('goes when the queue is deleted', () => {
  const contentsOf = records.find(({ key }) => queueOf(key) === 1 && key[5] === 1 && key[14] === 1)!;
  const copy = spoilt((other) => other.commit([{ key: contentsOf.key, value: Buffer.from('nothing of worth') }]));
  const store = new Store(copy, new LeasedMemory(), crc32);
  store.open();
  store.forget(1);
  store.commit();
  assert.is([...copy.keys(...EVERYTHING)].some((key) => queueOf(key) === 1), false);
  const after = new Store(copy, new LeasedMemory(), crc32);
  assert.equal(after.open(), { clean: false, faults: [] });
  assert.is(after.damageOf(1), undefined);
});

damage.run();
