import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { Segment, bitsOf } from '../../../src/store/segment.ts';

const segments = suite('a segment in memory');

segments('settles as a set of numbers does', () => {
  const runs = fc.array(fc.tuple(fc.integer({ min: -5, max: 110 }), fc.integer({ min: 0, max: 110 })), { maxLength: 12 });
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 60 }), fc.boolean(), runs, (numbers, dense, settles) => {
      const offsets = dense ? numbers.map((_, index) => index) : [...new Set([0, ...numbers])].sort((one, other) => one - other);
      const span = offsets.at(-1)! + 1;
      const segment = new Segment(1000, offsets.length, span, 0);
      if (!segment.known) segment.learn(Uint16Array.from(offsets), offsets.length);
      const live = new Set(offsets);
      for (const [from, count] of settles) {
        const before = live.size;
        for (const offset of [...live]) if (offset >= from && offset < from + count) live.delete(offset);
        assert.is(segment.settle(from, from + count), before - live.size);
        assert.is(segment.live, live.size);
        for (let offset = -2; offset < span + 40; offset++) assert.is(segment.holds(offset), live.has(offset), `offset ${offset}`);
        assert.is(segment.liveEnd, 1000 + (live.size === 0 ? 0 : Math.max(...live) + 1));
      }
    }),
    { numRuns: 500 },
  );
});

segments('takes over the bits of a shorter one, and none behind them', () => {
  const short = new Segment(0, 2, 40, 0);
  short.learn(Uint16Array.from([0, 39]), 2);
  const long = new Segment(0, 62, 100, 0);
  long.adopt(short.gone);
  assert.equal([0, 1, 38, 39, 40, 63, 64, 99].map((offset) => long.holds(offset)), [true, false, false, true, true, true, true, true]);
});

segments('counts deliveries up to a bound', () => {
  const segment = new Segment(0, 3, 3, 0);
  segment.setDeliveries(1, 70_000);
  segment.setDeliveries(2, -1);
  assert.equal([0, 1, 2].map((offset) => segment.deliveriesAt(offset)), [0, 65_535, 0]);
});

segments('counts the bits of a word', () => {
  for (const [word, bits] of [[0, 0], [-1, 32], [1, 1], [0x8000_0000 | 0, 1], [0x0f0f_0101, 10]] as const) assert.is(bitsOf(word), bits);
});

segments.run();
