import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nowNs } from '../../../bench/client/clock.ts';
import { Pacer, Sleep, spinUntil } from '../../../bench/client/pacer.ts';

const test = suite('bench/client/pacer');

test('a stall does not move the schedule: what is overdue keeps its time', () => {
  const pacer = new Pacer(1_000, 1_000 + 10_000_000, 1_000);
  assert.equal(pacer.take(1_000, 100), [1_000]);
  assert.equal(pacer.take(500_000, 100), []);
  assert.equal(pacer.take(3_001_000, 100), [1_001_000, 2_001_000, 3_001_000]);
  assert.equal(pacer.take(9e9, 2), [4_001_000, 5_001_000], 'no more than the limit at once');
});

test('the schedule has rate times seconds messages and then is over', () => {
  const pacer = new Pacer(0, 1e9, 2_000);
  assert.is(pacer.take(5e9, Infinity).length, 2_000);
  assert.is(pacer.nextNs, undefined);
});

test('waits until the time has come', () => {
  const sleep = new Sleep();
  const dueNs = nowNs() + 2e6;
  assert.ok(sleep.untilNear(dueNs, 1e6));
  spinUntil(dueNs);
  assert.ok(nowNs() >= dueNs);
  assert.not.ok(sleep.untilNear(nowNs() + 1e9, 1e9), 'a long sleep is cut short');
});

test.run();
