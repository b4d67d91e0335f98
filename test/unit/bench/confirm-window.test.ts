import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfirmWindow } from '../../../bench/client/confirm-window.ts';

const test = suite('bench/client/confirm-window');

test('counts single confirms in any order, and again for none of them', () => {
  const window = new ConfirmWindow(4);
  window.publish(4);
  assert.is(window.room, 0);
  window.settle(3, false, false);
  window.settle(3, false, false);
  assert.is(window.settled, 1);
  assert.is(window.room, 0, 'the ring is as long as the limit: tags 1 and 2 hold it');
  window.settle(1, false, false);
  window.settle(2, false, true);
  assert.equal([window.settled, window.refused, window.outstanding, window.room], [3, 1, 1, 3]);
});

test('multiple does not count what was settled early', () => {
  const window = new ConfirmWindow(8);
  window.publish(6);
  window.settle(2, false, false);
  window.settle(4, true, false);
  assert.equal([window.settled, window.outstanding, window.room], [4, 2, 6]);
});

test('refuses what does not fit and what was never published', () => {
  const window = new ConfirmWindow(2);
  assert.throws(() => window.publish(3), RangeError);
  window.publish(1);
  assert.throws(() => window.settle(2, false, false), RangeError);
});

test('agrees with a set of open tags', () => {
  const aStep = fc.record({ publish: fc.nat(5), tag: fc.nat(15), multiple: fc.boolean() });
  fc.assert(
    fc.property(fc.array(aStep, { maxLength: 80 }), (steps) => {
      const window = new ConfirmWindow(10);
      const open = new Set<number>();
      let highest = 0;
      let settled = 0;
      for (const { publish, tag, multiple } of steps) {
        const count = Math.min(publish, window.room);
        window.publish(count);
        for (let index = 0; index < count; index += 1) open.add((highest += 1));
        const target = Math.max(1, highest - tag);
        if (highest === 0) continue;
        window.settle(target, multiple, false);
        for (const candidate of [...open]) {
          if (multiple ? candidate <= target : candidate === target) settled += Number(open.delete(candidate));
        }
        assert.is(window.settled, settled);
        assert.is(window.outstanding, open.size);
      }
    }),
  );
});

test.run();
