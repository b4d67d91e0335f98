/** The confirm ledger beside a list of publishes, each with the answers it waits for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { ConfirmLedger } from '../../../src/amqp/confirm-ledger.ts';
import { loadMutant } from '../support/mutant.ts';

const FILE = new URL('../../../src/amqp/confirm-ledger.ts', import.meta.url);
const SMALL_RING = { right: 'RING_MIN = 64', wrong: 'RING_MIN = 4' };

type Publish = { pending: number; refused: boolean; told: 'ack' | 'nack' | undefined };

const step = fc.oneof(
  { weight: 5, arbitrary: fc.nat(3).map((queues) => ({ type: 'publish', queues, at: 0, count: 0, refused: false })) },
  {
    weight: 6,
    arbitrary: fc
      .record({ at: fc.nat(100), count: fc.integer({ min: 1, max: 12 }), refused: fc.nat(7).map((one) => one === 0) })
      .map((fields) => ({ type: 'answer', queues: 0, ...fields })),
  },
  { weight: 2, arbitrary: fc.constant({ type: 'flush', queues: 0, at: 0, count: 0, refused: false }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const history = fc.array(step, { maxLength: 150, size: 'max' });

/** What the client knows of its publishes, from the frames it gets. Every one is told of once, and as it was decided. */
function hear(publishes: readonly Publish[], sequence: number, multiple: boolean, refused: boolean): void {
  const told = publishes.slice(multiple ? 0 : sequence - 1, sequence).filter((publish) => publish.told === undefined);
  assert.ok(told.length > 0, `${sequence} tells the client something`);
  for (const publish of told) {
    assert.is(publish.pending, 0, `${sequence}: no answer is missing`);
    assert.is(publish.refused, refused, `${sequence}: as it was decided`);
    publish.told = refused ? 'nack' : 'ack';
  }
}

function agree(ledgers: new () => ConfirmLedger, steps: readonly Step[]): void {
  const ledger = new ledgers();
  const publishes: Publish[] = [];
  for (const { type, queues, at, count, refused } of steps) {
    if (type === 'publish') {
      publishes.push({ pending: queues, refused: false, told: undefined });
      assert.is(ledger.publish(queues), publishes.length);
    } else if (type === 'answer') {
      const first = (at % (publishes.length + 1)) + 1;
      const run = publishes.slice(first - 1, first - 1 + count);
      // Queues answer no more often than they were asked.
      const asked = run.findIndex(({ pending }) => pending === 0);
      const answered = asked < 0 ? run : run.slice(0, asked);
      if (answered.length === 0) continue;
      ledger.answer(first, answered.length, refused);
      for (const publish of answered) {
        publish.pending--;
        publish.refused ||= refused;
      }
    } else {
      ledger.flush({ confirm: (sequence, multiple, no) => hear(publishes, sequence, multiple, no) });
      for (const publish of publishes) assert.is(publish.told !== undefined, publish.pending === 0, 'all that is decided is told');
    }
    const oldest = publishes.findIndex(({ told }) => told === undefined);
    assert.ok(ledger.unconfirmed >= (oldest < 0 ? 0 : publishes.length - oldest));
  }
}

const ledger = suite('confirm ledger');

ledger('tells of each publish once, and as its queues decided', () => {
  fc.assert(fc.property(history, (steps) => agree(ConfirmLedger, steps)), { numRuns: 1000 });
});

ledger('does the same when its ring is small', async () => {
  const small = (await loadMutant(FILE, SMALL_RING))['ConfirmLedger'] as new () => ConfirmLedger;
  fc.assert(fc.property(history, (steps) => agree(small, steps)), { numRuns: 2000 });
});

ledger('finds an acknowledgement that covers a refused publish', async () => {
  const mistake = { right: '        if (acknowledged !== 0) sink.confirm(acknowledged, true, false);\n        acknowledged = 0;\n        sink.confirm(this.#oldest, false, true);\n', wrong: '        acknowledged = this.#oldest;\n' };
  const broken = (await loadMutant(FILE, mistake))['ConfirmLedger'] as new () => ConfirmLedger;
  assert.ok(fc.check(fc.property(history, (steps) => agree(broken, steps)), { numRuns: 2000, endOnFailure: true }).failed);
});

ledger('finds that an answer out of turn is told again', async () => {
  const broken = (await loadMutant(FILE, { right: '      this.#ring[slot] = DONE;\n', wrong: '' }))['ConfirmLedger'] as new () => ConfirmLedger;
  assert.ok(fc.check(fc.property(history, (steps) => agree(broken, steps)), { numRuns: 2000, endOnFailure: true }).failed);
});

ledger.run();
