/** The delivery ledger beside a plain map from tag to delivery, with rings so small that they wrap, grow and overflow. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { DeliveryLedger } from '../../../src/amqp/delivery-ledger.ts';
import { type Mistake, loadMutant } from '../support/mutant.ts';

const FILE = new URL('../../../src/amqp/delivery-ledger.ts', import.meta.url);
/** So that a few deliveries are too many for the ring; the real one holds 65,536. */
const SMALL_RING = { right: 'MIN = 64;\nconst RING_TAGS_MAX = 65_536', wrong: 'MIN = 2;\nconst RING_TAGS_MAX = 8' };

type Ledgers = new () => DeliveryLedger;

async function load(mistake: Mistake = SMALL_RING): Promise<Ledgers> {
  return (await loadMutant(FILE, mistake))['DeliveryLedger'] as Ledgers;
}

type Delivery = { readonly link: number; readonly position: number; readonly tag: number };

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('record'), link: fc.integer({ min: 1, max: 3 }), position: fc.integer() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pass') }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('settle'), back: fc.nat(30), multiple: fc.nat(3).map((one) => one === 0) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('settle all') }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('roll back') }) },
);
type Step = { readonly type: string; readonly link?: number; readonly position?: number; readonly back?: number; readonly multiple?: boolean };

const history = fc.array(step as fc.Arbitrary<Step>, { maxLength: 120, size: 'max' });

/** What a settle of `tag` covers, or undefined when it is unknown. */
function covered(unsettled: ReadonlyMap<number, Delivery>, tag: number, multiple: boolean, lastTag: number): Delivery[] | undefined {
  const all = [...unsettled.values()].sort((a, b) => a.tag - b.tag);
  if (multiple && tag === 0) return all;
  const found = all.filter((each) => (multiple ? each.tag <= tag : each.tag === tag));
  return found.length === 0 || tag > lastTag ? undefined : found;
}

function agree(ledgers: Ledgers, steps: readonly Step[], rollsBack: boolean): void {
  const ledger = new ledgers();
  const unsettled = new Map<number, Delivery>();
  let settled: Delivery[] = [];
  let lastTag = 0;
  for (const { type, link = 1, position = 0, back = 0, multiple = false } of steps) {
    if (type === 'record') {
      lastTag++;
      assert.is(ledger.record(link, position), lastTag);
      unsettled.set(lastTag, { link, position, tag: lastTag });
    } else if (type === 'pass') {
      lastTag++;
      assert.is(ledger.pass(), lastTag);
    } else if (type === 'roll back') {
      if (!rollsBack) continue;
      for (const delivery of settled) {
        ledger.restore(delivery.tag, delivery.link, delivery.position);
        unsettled.set(delivery.tag, delivery);
      }
      settled = [];
    } else {
      const tag = type === 'settle all' ? 0 : Math.max(0, lastTag + 2 - back);
      const every = type === 'settle all' || multiple;
      const expected = covered(unsettled, tag, every, lastTag);
      const got: Delivery[] = [];
      const known = ledger.settle(tag, every, (toLink, at, each) => got.push({ link: toLink, position: at, tag: each }));
      assert.is(known, expected !== undefined, `tag ${tag} is known`);
      // Those that came back stand apart from the others: then the order says nothing.
      assert.equal(rollsBack ? got.sort((a, b) => a.tag - b.tag) : got, expected ?? []);
      for (const delivery of got) unsettled.delete(delivery.tag);
      settled.push(...got);
    }
    assert.is(ledger.count, unsettled.size);
    assert.is(ledger.lastTag, lastTag);
  }
}

const ledger = suite('delivery ledger');

ledger('agrees with a map, oldest first', async () => {
  const ledgers = await load();
  fc.assert(fc.property(history, (steps) => agree(ledgers, steps, false)), { numRuns: 2000 });
});

ledger('agrees with a map when transactions are rolled back', async () => {
  const ledgers = await load();
  fc.assert(fc.property(history, (steps) => agree(ledgers, steps, true)), { numRuns: 2000 });
});

const mistakes: Readonly<Record<string, Mistake>> = {
  'a tag in a gap is settled': { right: 'if (link === 0) return this.#settleStraggler(tag, settled);', wrong: '' },
  'a restored tag is looked for in the ring': { right: 'if (link === 0) return this.#settleStraggler(tag, settled);', wrong: 'if (link === 0) return false;' },
  'a tag between others needs no place': { right: 'else if (this.#inRing > 0) {', wrong: 'else if (this.#inRing < 0) {' },
};

for (const [name, mistake] of Object.entries(mistakes)) {
  ledger(`finds that ${name}`, async () => {
    const broken = await load(mistake);
    const found = fc.check(fc.property(history, (steps) => agree(broken, steps, true)), { numRuns: 4000, endOnFailure: true });
    assert.ok(found.failed);
  });
}

ledger.run();
