/** What is known of spans that stand before others: random ones beside a plain list. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { EARLY_SPANS_MAX, EarlySpans } from '../../../src/store/early-spans.ts';

const ARRIVALS = 30;
const TIMES = 6;
const span = fc.record({ dueMs: fc.nat(TIMES), lastsMs: fc.nat(2), number: fc.nat(ARRIVALS), length: fc.nat(4) });

const spans = suite('spans that stand before those that are refined');

spans('keep two messages apart exactly when one of them may hold what came between', () => {
  fc.assert(
    fc.property(fc.array(span, { maxLength: 12 }), fc.nat(TIMES + 1), fc.nat(TIMES + 2), (known, passedMs, fromMs) => {
      const early = new EarlySpans();
      for (const { dueMs, lastsMs, number, length } of known) early.note({ dueMs, number, untilMs: dueMs + lastsMs, first: number, last: number + length });
      early.passed({ dueMs: passedMs, number: -1 });
      const between = early.between({ dueMs: fromMs, number: -1 });
      const left = known.filter(({ dueMs, lastsMs }) => dueMs >= passedMs && dueMs < fromMs && dueMs + lastsMs >= fromMs);
      for (let arrival = 0; arrival <= ARRIVALS; arrival++) {
        for (let next = arrival + 1; next <= ARRIVALS + 5; next++) {
          const expected = next > arrival + 1 && left.some(({ number, length }) => number < next && number + length > arrival);
          assert.is(between(arrival, next), expected, `${arrival} and ${next}`);
        }
      }
    }),
    { numRuns: 300, seed: 20_261_121 },
  );
});

spans('of more of them than are known, any may hold it, until the last one has been passed', () => {
  const early = new EarlySpans();
  for (let number = 0; number < EARLY_SPANS_MAX; number++) early.note({ dueMs: 10, number, untilMs: 200, first: number, last: number });
  assert.not.ok(early.between({ dueMs: 100, number: 0 })(2 * EARLY_SPANS_MAX, 2 * EARLY_SPANS_MAX + 2));
  early.note({ dueMs: 20, number: EARLY_SPANS_MAX, untilMs: 200, first: EARLY_SPANS_MAX, last: EARLY_SPANS_MAX });
  for (const dueMs of [9, 11, 20]) {
    early.passed({ dueMs, number: 0 });
    assert.ok(early.between({ dueMs: 100, number: 0 })(2 * EARLY_SPANS_MAX, 2 * EARLY_SPANS_MAX + 2), `passed ${dueMs}`);
    assert.not.ok(early.between({ dueMs: 100, number: 0 })(2 * EARLY_SPANS_MAX, 2 * EARLY_SPANS_MAX + 1), 'nothing is between neighbours');
  }
  early.passed({ dueMs: 21, number: 0 });
  assert.not.ok(early.between({ dueMs: 100, number: 0 })(2 * EARLY_SPANS_MAX, 2 * EARLY_SPANS_MAX + 2));
});

spans.run();
