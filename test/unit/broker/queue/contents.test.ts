/** Contents that were let go of are asked for in time, whatever came back or was stored meanwhile. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Contents, READ_AHEAD } from '../../../../src/broker/queue/contents.ts';
import { CHUNK_ENTRIES, DELIVERED, KEPT_FLAG, PAGED_FLAG } from '../../../../src/broker/queue/ledger-layout.ts';
import { Ledger } from '../../../../src/broker/queue/ledger.ts';
import { CrashingMemory } from '../../../property/support/crashing-memory.ts';

const MESSAGES = 3_000;
const test = suite('contents of a queue');

type TestOrder = { size: number; next: number; cursor: number; comebacks: number[]; farFrom(window: number): number; isFar(): boolean };

/** A queue of messages, each with the flags, whose contents are in memory or in the store alone. */
function queueOf(flags: number, isResident: boolean): { contents: Contents; order: TestOrder } {
  const memory = new CrashingMemory(CHUNK_ENTRIES);
  const ledger = new Ledger(memory, 0);
  ledger.create();
  for (let each = 0; each < MESSAGES; each++) ledger.append(isResident ? memory.message() : 0, flags);
  const order: TestOrder = {
    size: MESSAGES,
    get next() {
      return this.comebacks[0] ?? this.cursor;
    },
    cursor: 0,
    comebacks: [],
    farFrom: (window) => order.cursor + window,
    isFar: () => true,
  };
  const contents = new Contents(ledger, order);
  contents.recover();
  return { contents, order };
}

test('comebacks that fill a read do not hide what was never delivered', () => {
  const { contents, order } = queueOf(KEPT_FLAG, false);
  order.comebacks = [0, 1, 2];
  order.cursor = 3;
  const wanted = new Int32Array(3);
  assert.is(contents.wanted(wanted, 3), 3);
  assert.equal([...wanted], [0, 1, 2]);
  order.comebacks = [];
  assert.is(contents.wanted(wanted, 3), 3);
  assert.equal([...wanted], [3, 4, 5]);
});

test('a paged message that is stored when its turn has come near is asked for', () => {
  const { contents, order } = queueOf(KEPT_FLAG | PAGED_FLAG, true);
  const wanted = new Int32Array(3);
  assert.is(contents.wanted(wanted, 3), 0, 'nothing lacks');
  contents.paged(5, 8);
  assert.is(contents.lacking, 3);
  order.cursor = 5;
  assert.is(contents.wanted(wanted, 3), 3);
  assert.equal([...wanted], [5, 6, 7]);
});

test('messages are paged out in the order of their positions, whatever an incarnation before has paged out', () => {
  const { contents, order } = queueOf(0, true);
  const paged: number[] = [];
  order.cursor = -READ_AHEAD + 20;
  contents.pageOut(5, 0, true, (position) => void paged.push(position), () => true);
  // A crash brings back what was delivered and had been passed over.
  contents.recover();
  order.cursor = -READ_AHEAD + 10;
  contents.pageOut(20, 0, true, (position) => void paged.push(position), () => true);
  assert.equal(paged, [20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
});

test('what the store has no room for is paged out later, and nothing before it', () => {
  const { contents, order } = queueOf(0, true);
  const paged: number[] = [];
  order.cursor = -READ_AHEAD;
  const page = (position: number): void => void paged.push(position);
  assert.not(contents.pageOut(20, 0, true, page, () => paged.length < 3), 'nothing more can be done now');
  assert.equal(paged, [0, 1, 2]);
  contents.pageOut(4, 0, true, page, () => true);
  assert.equal(paged, [0, 1, 2, 3, 4, 5, 6]);
});

test('what comes before is looked through again when half of the way ahead has gone, or what is next has no content', () => {
  const memory = new CrashingMemory(CHUNK_ENTRIES);
  const ledger = new Ledger(memory, 0);
  ledger.create();
  ledger.append(memory.message(), KEPT_FLAG);
  ledger.append(0, KEPT_FLAG);
  let looks = 0;
  const order = {
    size: 2,
    next: 0,
    cursor: 2,
    get comebacks() {
      looks++;
      return [this.next];
    },
    farFrom: () => 2,
    isFar: () => true,
  };
  const contents = new Contents(ledger, order);
  contents.recover();
  const wanted = new Int32Array(8);
  for (let turn = 0; turn < 5; turn++) assert.is(contents.wanted(wanted, 8), 0);
  assert.is(looks, 1);
  ledger.setCounter(DELIVERED, READ_AHEAD / 2 - 1);
  contents.wanted(wanted, 8);
  assert.is(looks, 1);
  ledger.setCounter(DELIVERED, READ_AHEAD / 2);
  contents.wanted(wanted, 8);
  assert.is(looks, 2);
  order.next = 1;
  assert.is(contents.wanted(wanted, 8), 1);
  assert.is(wanted[0], 1);
});

test.run();
