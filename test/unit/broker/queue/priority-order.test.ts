/** What a queue with priorities knows of its order, beyond who is next. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CHUNK_ENTRIES, LEVEL_SHIFT } from '../../../../src/broker/queue/ledger-layout.ts';
import { Ledger } from '../../../../src/broker/queue/ledger.ts';
import { PositionRing } from '../../../../src/broker/queue/position-ring.ts';
import { PriorityOrder } from '../../../../src/broker/queue/priority-order.ts';
import { CrashingMemory } from '../../../property/support/crashing-memory.ts';

const test = suite('order of priorities');

/** Messages with these priorities, from position 0 on. Their addresses are their priorities. */
function orderOf(max: number, priorities: readonly number[]): { ledger: Ledger; order: PriorityOrder } {
  const ledger = new Ledger(new CrashingMemory(CHUNK_ENTRIES), 0);
  ledger.create();
  const order = new PriorityOrder(ledger, { max, of: (address) => address });
  for (const priority of priorities) {
    const position = ledger.tail;
    ledger.append(priority, order.markOf(priority));
    order.added(position);
  }
  return { ledger, order };
}

function farOf(order: PriorityOrder, window: number, count: number): number[] {
  const from = order.farFrom(window);
  return Array.from({ length: count }, (_, position) => position).filter((position) => position >= from && order.isFar(position));
}

test('the level stands in the state, never above the highest', () => {
  const { ledger } = orderOf(200, [0, 7, 200, 255]);
  assert.equal([0, 1, 2, 3].map((position) => ledger.state(position) >>> LEVEL_SHIFT), [0, 7, 200, 200]);
});

test('far is what stands behind so many others, whatever their position', () => {
  const { order } = orderOf(9, [1, 5, 1, 9, 5, 1, 9, 1]);
  // In order: 3 6 | 1 4 | 0 2 5 7.
  assert.equal(farOf(order, 0, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(farOf(order, 1, 8), [0, 1, 2, 4, 5, 6, 7]);
  assert.equal(farOf(order, 3, 8), [0, 2, 4, 5, 7]);
  assert.equal(farOf(order, 6, 8), [5, 7]);
  assert.equal(farOf(order, 8, 8), []);
});

test('those that come next are told in order, as many as are read ahead', () => {
  const { order } = orderOf(1, Array.from({ length: 10_000 }, (_, index) => index % 2));
  const ahead = [...order.comebacks];
  assert.is(ahead.length, 4096);
  assert.equal(ahead.slice(0, 3), [1, 3, 5]);
  for (let each = 0; each < 4000; each++) order.take();
  assert.equal([...order.comebacks].slice(999, 1002), [9999, 0, 2]);
});

test('a ring keeps its order however it grows and shrinks', () => {
  const ring = new PositionRing();
  let next = 0;
  let first = 0;
  for (let round = 0; round < 400; round++) {
    const grows = round % 100 < 50;
    for (let each = 0; each < (grows ? 37 : 11); each++) ring.push(next++);
    for (let each = 0; each < (grows ? 11 : 37) && ring.size > 0; each++) assert.is(ring.pop(), first++);
    assert.is(ring.size, next - first);
    if (ring.size > 0) assert.equal([ring.peek(), ring.at(0), ring.at(ring.size - 1)], [first, first, next - 1]);
  }
  assert.ok(next > 5000);
});

test.run();
