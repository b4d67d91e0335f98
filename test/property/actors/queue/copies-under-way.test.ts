/** Letters under way beside a plain map of them, over the end of their numbers, answered in any order and often in vain. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CopiesUnderWay } from '../../../../actors/queue/copies-under-way.ts';

type Step =
  | { readonly type: 'add'; readonly queues: number }
  | { readonly type: 'answer'; readonly back: number; readonly count: number }
  | { readonly type: 'forget' };

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ type: fc.constant('add' as const), queues: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ type: fc.constant('answer' as const), back: fc.integer({ min: -2, max: 90 }), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ type: fc.constant('answer' as const), back: fc.integer({ min: 0, max: 12 }), count: fc.integer({ min: 1, max: 12 }) }),
    fc.nat(60).map((one): Step => (one === 0 ? { type: 'forget' } : { type: 'add', queues: 1 })),
  ),
  { maxLength: 300, size: 'max' },
);
const first = fc.constantFrom(1, 0x7fff_fff0, -30);

const property = suite('letters under way');

property('each is buried once, with its last answer', () => {
  fc.assert(
    fc.property(first, steps, (start, history) => {
      const buried: number[] = [];
      const copies = new CopiesUnderWay((position) => buried.push(position), start);
      /** By number: position, and answers to come. */
      const model = new Map<number, { readonly position: number; left: number }>();
      const expected: number[] = [];
      let positions = 0;
      for (const step of history) {
        if (step.type === 'add') {
          assert.not(copies.next === 0, 'the number 0 is nobody\'s');
          model.set(copies.next, { position: ++positions, left: step.queues });
          copies.add(positions, step.queues, 100);
        } else if (step.type === 'answer') {
          const from = (copies.next - step.back) | 0;
          copies.answered(from, step.count);
          for (let index = 0; index < step.count; index++) {
            const sequence = (from + index) | 0;
            const letter = model.get(sequence);
            if (letter === undefined || --letter.left > 0) continue;
            model.delete(sequence);
            expected.push(letter.position);
          }
        } else {
          assert.equal(copies.forget(), [...model.values()].map(({ position }) => position));
          model.clear();
        }
        assert.equal(buried, expected);
      }
      assert.equal(copies.forget(), [...model.values()].map(({ position }) => position));
    }),
    { numRuns: 500 },
  );
});

property('is full at its bounds, and not again when all is answered', () => {
  const copies = new CopiesUnderWay(() => {});
  let count = 0;
  while (!copies.isFull) {
    copies.add(count++, 1, 1);
  }
  assert.is(count, 16_384);
  copies.answered(1, count);
  assert.not(copies.isFull);
  copies.add(1, 1, 64 * 1024 * 1024);
  assert.ok(copies.isFull);
  copies.forget();
  assert.not(copies.isFull);
});

property.run();
