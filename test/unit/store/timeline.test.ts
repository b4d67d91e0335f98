/** What a timeline does with records that are not as they were written, and with one that is deleted. */
import { crc32 } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Store } from '../../../src/store/store.ts';
import { LeasedMemory } from '../../support/store-memory.ts';
import { MemoryDisk } from '../../support/memory-disk.ts';
import { seal } from '../../../src/store/checksum.ts';
import { MOMENT_MESSAGES_MIN } from '../../../src/store/moment-making.ts';
import { MomentFlag } from '../../../src/store/moment-record.ts';
import { SPAN_BYTES_MAX, isSpan } from '../../../src/store/span-record.ts';
import { type RefiningDisk, STEP_WRITTEN_BYTES } from '../../../src/store/span-refining.ts';
import { surveyTimeline } from '../../../src/store/timeline-survey.ts';
import { SPANS_AHEAD_MS } from '../../../src/store/timeline.ts';
import { CLEARED_KEYS_MAX } from '../../../src/store/timelines.ts';
import { BEHIND_ALL } from '../../../src/store/timeline-keys.ts';

const timelines = suite('a timeline');

const EVERYTHING = [Buffer.alloc(0), Buffer.from([0xff])] as const;
const ID = 3;

function makeStore(disk = new MemoryDisk()): { disk: MemoryDisk; memory: LeasedMemory; store: Store; faults: readonly string[] } {
  const memory = new LeasedMemory();
  const store = new Store(disk, memory, crc32);
  const { faults } = store.open();
  return { disk, memory, store, faults };
}

function fullDisk(): MemoryDisk {
  const { disk, memory, store } = makeStore();
  for (let n = 0; n < 12; n++) {
    store.timelines.of(ID).delay(1000 + (n >> 1), memory.add(Buffer.from(`message ${n}`)), 1);
    if (n % 4 === 3) store.commit();
  }
  // Those were spans, and these are a moment.
  for (let n = 12; n < 12 + MOMENT_MESSAGES_MIN; n++) store.timelines.of(ID).delay(2000, memory.add(Buffer.from(`message ${n}`)), 1);
  store.commit();
  return disk;
}

function examine(disk: MemoryDisk): { readonly texts: readonly string[]; readonly noticed: boolean } {
  const { store, memory, faults } = makeStore(disk);
  const texts: string[] = [];
  const timeline = store.timelines.of(ID);
  while (timeline.horizon !== BEHIND_ALL) {
    timeline.advance(disk, Infinity, ({ addresses }) => texts.push(...addresses.map((address) => String(memory.recordOf(address)))));
  }
  return { texts, noticed: faults.length > 0 || timeline.damage !== undefined };
}

const ALL = Array.from({ length: 12 + MOMENT_MESSAGES_MIN }, (_, n) => `message ${n}`);

timelines('hands out what is sound, and notices what is not', () => {
  const disk = fullDisk();
  assert.equal(examine(disk.copy()), { texts: ALL, noticed: false });
  for (const { key, value } of disk.entries(...EVERYTHING)) {
    if (key[0] !== 6) continue;
    const missing = disk.copy();
    missing.commit([{ key, value: undefined }]);
    assert.ok(examine(missing).noticed, `${key.toString('hex')} is missing, and nobody notices`);
    for (let byte = 0; byte < value.length; byte++) {
      const spoilt = disk.copy();
      const changed = Buffer.from(value);
      changed[byte]! ^= 1 << (byte & 7);
      spoilt.commit([{ key, value: changed }]);
      const { texts, noticed } = examine(spoilt);
      assert.ok(noticed, `byte ${byte} of ${key.toString('hex')} is changed, and nobody notices`);
      for (const text of texts) assert.ok(ALL.includes(text), `${text} was never written`);
    }
    const moved = disk.copy();
    const other = Buffer.from(key);
    other[other.length - 1]! ^= 0x40;
    moved.commit([{ key, value: undefined }, { key: other, value }]);
    assert.ok(examine(moved).noticed, `${key.toString('hex')} stands under another key, and nobody notices`);
  }
});

timelines('refines spans before their messages are asked for, and hands none of them out', () => {
  const { disk, memory, store } = makeStore();
  const timeline = store.timelines.of(ID);
  const soonMs = 100_000;
  // Far behind the horizon, and as many groups: one span each.
  for (let n = 0; n < 3; n++) {
    for (let each = 0; each < 10; each++) timeline.delay(soonMs + 7 * each + n, memory.add(Buffer.from(`${n} ${each}`)), 1);
    store.commit();
  }
  const records = (): readonly Buffer[] => Array.from(disk.entries(...EVERYTHING), ({ key, value }) => (key[0] === 6 && key[5] === 1 ? value : Buffer.alloc(0))).filter(({ length }) => length > 0);
  assert.equal(records().map(isSpan), [true, true, true]);
  const none = (): void => assert.unreachable('nothing is asked for');
  assert.is(timeline.advance(disk, soonMs - SPANS_AHEAD_MS - 1_000, none), 'reached');
  assert.is(timeline.nextMs, soonMs - SPANS_AHEAD_MS);
  assert.is(records().length, 3);
  assert.not.ok(timeline.isRefining);
  for (const untilMs of [timeline.nextMs, soonMs - 2_000]) {
    assert.is(timeline.advance(disk, untilMs, none), 'reached');
    assert.ok(timeline.isRefining);
    for (let steps = 0; timeline.isRefining; steps++) {
      assert.is(timeline.refine(disk), 'more');
      assert.ok(steps < 10, 'it ends');
    }
  }
  assert.equal(records().map(isSpan), new Array(30).fill(false));
  assert.is(timeline.nextMs, soonMs);
  assert.is(memory.leases, 0);
});

timelines('keeps the order of what is due in one millisecond, wherever the spans of it stand when others are refined', () => {
  const dueMs = 100_000;
  const { disk, memory, store } = makeStore();
  const timeline = store.timelines.of(ID);
  const delayGroup = (messages: readonly (readonly [dueMs: number, text: string])[]): void => {
    for (const [at, text] of messages) timeline.delay(at, memory.add(Buffer.from(text)), 1);
    store.commit();
  };
  delayGroup([[dueMs, 'first'], [dueMs + 1, 'later']]);
  // Its span begins earlier, and came later than the one that is refined next.
  delayGroup([[dueMs - 3_000, 'earlier'], [dueMs, 'second']]);
  delayGroup([[dueMs, 'third'], [dueMs + 1, 'last']]);
  assert.is(timeline.advance(disk, dueMs - SPANS_AHEAD_MS + 1_000, () => assert.unreachable('nothing is due')), 'reached');
  assert.ok(timeline.isRefining);
  for (let steps = 0; timeline.isRefining; steps++) {
    assert.is(timeline.refine(disk), 'more');
    assert.ok(steps < 10, 'it ends');
    assert.equal(examine(disk.copy()), { texts: ['earlier', 'first', 'second', 'third', 'later', 'last'], noticed: false }, `a process that ends after step ${steps}`);
  }
  const texts: string[] = [];
  while (timeline.horizon !== BEHIND_ALL) {
    timeline.advance(disk, Infinity, ({ addresses }) => texts.push(...addresses.map((address) => String(memory.recordOf(address)))));
  }
  assert.equal(texts, ['earlier', 'first', 'second', 'third', 'later', 'last']);
});

timelines('refines in small commits, and whoever finds the disk between two of them finds everything once', () => {
  const { disk, memory, store } = makeStore();
  const timeline = store.timelines.of(ID);
  const soonMs = 100_000;
  const expected: string[] = [];
  for (let n = 0; n < 110; n++) {
    for (let each = 0; each < 50; each++) {
      const dueMs = soonMs + 110 * each + n;
      const text = `${dueMs}`.padEnd(400, '.');
      // Some do not outlive the process.
      const isPersistent = (n + each) % 5 > 0;
      if (isPersistent) expected.push(text);
      timeline.delay(dueMs, memory.add(Buffer.from(text)), isPersistent ? 1 : 0);
    }
    store.commit();
  }
  expected.sort();
  // A later process goes on: of what was transient it knows nothing.
  const next = makeStore(disk);
  const refined = next.store.timelines.of(ID);
  assert.is(refined.advance(disk, soonMs - 2_000, () => assert.unreachable('nothing is due')), 'reached');
  let borders = 0;
  const { commits } = disk;
  const measured: RefiningDisk = {
    entries: (from, to) => disk.entries(from, to),
    commit: (changes) => {
      const bytes = changes.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      assert.ok(bytes < STEP_WRITTEN_BYTES + SPAN_BYTES_MAX + 2_000, `a step writes ${bytes} bytes`);
      disk.commit(changes);
    },
  };
  while (refined.isRefining) {
    assert.is(refined.refine(measured), 'more');
    if (disk.commits === commits + borders) continue;
    borders++;
    const { messages, damage } = surveyTimeline(disk, crc32, ID);
    assert.is(damage, undefined);
    assert.is(messages, expected.length);
    const found = examine(disk.copy());
    assert.not.ok(found.noticed);
    assert.equal(found.texts, expected);
  }
  assert.ok(borders > 4, `${borders} commits`);
});

timelines('is cleared in portions', () => {
  const { store, memory, disk } = makeStore();
  const timeline = store.timelines.of(ID);
  for (let n = 0; n < CLEARED_KEYS_MAX + 10; n++) {
    timeline.delay(n, memory.add(Buffer.from('x')), 1);
    store.commit();
  }
  assert.is(disk.size, CLEARED_KEYS_MAX + 12);
  store.forget(ID);
  assert.is(store.waiting, 'lazy');
  assert.ok(store.timelines.isOnlyClearing);
  store.commit();
  assert.is(disk.size, 12);
  // The process ends here: the next one finds an id that nobody knows.
  const next = makeStore(disk);
  assert.equal([...next.store.known()], [ID]);
  next.store.forget(ID);
  next.store.commit();
  assert.is(disk.size, 1);
  assert.is(next.store.waiting, 'nothing');
});

timelines('hands out at once what is due before the horizon, without a look at the disk', () => {
  const { store, memory } = makeStore();
  const timeline = store.timelines.of(ID);
  assert.is(timeline.advance(new MemoryDisk(), Infinity, () => {}), 'reached');
  timeline.delay(5, memory.add(Buffer.from('soon')), 1);
  assert.is(store.waiting, 'urgent');
  assert.is(store.collectedBytes, 4);
  store.commit();
  const texts: string[] = [];
  store.timelines.takeFresh((id, moments) => {
    assert.is(id, ID);
    for (const { addresses } of moments) texts.push(...addresses.map((address) => String(memory.recordOf(address))));
  });
  assert.equal(texts, ['soon']);
  assert.is(memory.leases, 1);
});

/** What is handed out of a timeline that the process before left, with those that are marked in capitals. */
function handedOut(disk: MemoryDisk, goneMs: number): { readonly texts: readonly string[]; readonly store: Store } {
  const { store, memory } = makeStore(disk);
  while (store.waiting !== 'nothing') store.commit();
  const timeline = store.timelines.of(ID);
  timeline.rewind(goneMs);
  const texts: string[] = [];
  while (timeline.horizon !== BEHIND_ALL) {
    timeline.advance(disk, Infinity, ({ addresses, flags }) => {
      for (const [index, address] of addresses.entries()) {
        const text = String(memory.recordOf(address));
        texts.push((flags[index]! & MomentFlag.redelivered) === 0 ? text : text.toUpperCase());
      }
    });
  }
  return { texts, store };
}

function threeMessages(): { readonly disk: MemoryDisk; readonly store: Store } {
  const { disk, memory, store } = makeStore();
  const timeline = store.timelines.of(ID);
  timeline.delay(100, memory.add(Buffer.from('a')), MomentFlag.persistent);
  timeline.delay(200, memory.add(Buffer.from('b')), MomentFlag.persistent | MomentFlag.redelivered);
  timeline.delay(300, memory.add(Buffer.from('c')), MomentFlag.persistent);
  store.commit();
  return { disk, store };
}

timelines('marks what was due when a process began after one that did not end in order, and what came marked', () => {
  assert.equal(handedOut(threeMessages().disk, 100).texts, ['A', 'B', 'c']);
});

timelines('marks nothing more after an orderly end', () => {
  const { disk, store } = threeMessages();
  store.markClean();
  assert.equal(handedOut(disk, 100).texts, ['a', 'B', 'c']);
});

timelines('remembers through orderly ends what may have gone out', () => {
  const { disk } = threeMessages();
  const { store } = handedOut(disk, 100);
  store.markClean();
  const next = handedOut(disk, 1_000);
  assert.equal(next.texts, ['A', 'B', 'c']);
  next.store.timelines.of(ID).noteGone(300);
  next.store.markClean();
  assert.equal(handedOut(disk, 0).texts, ['A', 'B', 'C']);
});

timelines('reads records of the first version', () => {
  const { disk, store } = threeMessages();
  store.markClean();
  const { key, value } = [...disk.entries(...EVERYTHING)].find((entry) => entry.key[0] === 6 && entry.key[5] === 0)!;
  const first = Buffer.from(value.subarray(0, 28));
  first[4] = 1;
  seal(crc32, key, first);
  disk.commit([{ key, value: first }]);
  assert.equal(makeStore(disk.copy()).faults, []);
  assert.equal(handedOut(disk, 100).texts, ['a', 'B', 'c']);
});

timelines.run();
