/** The age of a delivery is known to within two looks, and never too high. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { DeliveryAges, LOOKS_MAX } from '../../../src/amqp/delivery-ages.ts';
import { DeliveryLedger } from '../../../src/amqp/delivery-ledger.ts';

const ages = suite('delivery ages');

ages('a delivery is as old as the first look that knew its tag', () => {
  const looks = new DeliveryAges();
  assert.is(looks.sinceMs(1), Infinity);
  looks.note(100, 1, 7);
  looks.note(200, 1, 9);
  looks.note(300, 1, 9);
  assert.equal([1, 7, 8, 9, 10].map((tag) => looks.sinceMs(tag)), [100, 100, 200, 200, Infinity]);
  looks.note(400, 9, 20);
  assert.equal([9, 10, 20, 21].map((tag) => looks.sinceMs(tag)), [200, 400, 400, Infinity]);
});

type Step = { readonly give: number; readonly settle: number; readonly restore: boolean; readonly ms: number };

ages('no delivery seems older than it is, nor more than two looks younger', () => {
  const step: fc.Arbitrary<Step> = fc.record({ give: fc.nat(4), settle: fc.nat(5), restore: fc.nat(20).map((one) => one === 0), ms: fc.integer({ min: 1, max: 20 }) });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 100, size: 'max' }), (steps) => {
      const ledger = new DeliveryLedger();
      const looks = new DeliveryAges();
      const givenMs = new Map<number, number>();
      const rollsBack = steps.some(({ restore }) => restore);
      let nowMs = 0;
      for (const { give, settle, restore, ms } of steps) {
        const lookedMs = nowMs;
        nowMs += ms;
        for (let one = 0; one < give; one++) givenMs.set(ledger.record(1, one), lookedMs + ((one * ms) / 4));
        const tag = [...givenMs.keys()][settle];
        if (tag !== undefined) {
          ledger.settle(tag, false, () => {});
          if (restore) ledger.restore(tag, 1, 0);
          else givenMs.delete(tag);
        }
        if (ledger.count === 0) continue;
        looks.note(nowMs, ledger.oldestTag, ledger.lastTag);
        const seen: number[] = [];
        ledger.some((_, each) => {
          seen.push(each);
          return false;
        });
        assert.equal(seen.sort((a, b) => a - b), [...givenMs.keys()]);
        for (const [each, timeMs] of givenMs) {
          assert.ok(looks.sinceMs(each) >= timeMs, `${each} seems older than it is`);
          // A rollback puts an old one behind younger ones: their looks may be gone.
          if (!rollsBack) assert.ok(looks.sinceMs(each) - timeMs <= 20, `${each} seems much younger than it is`);
        }
      }
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
});

ages('looks do not grow without end, and a stuck delivery keeps its age', () => {
  const looks = new DeliveryAges();
  for (let look = 1; look <= 10_000; look++) looks.note(look * 60_000, 1, look);
  assert.ok(looks.lookCount <= LOOKS_MAX);
  assert.is(looks.sinceMs(1), 60_000);
  for (const tag of [9_990, 9_900]) assert.is(looks.sinceMs(tag), tag * 60_000);
  for (const tag of [9_000, 5_000]) assert.ok(looks.sinceMs(tag) >= tag * 60_000 && looks.sinceMs(tag) < 10_000 * 60_000);
});

ages.run();
