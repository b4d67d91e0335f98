/**
 * 200 seeded runs of a whole node. A failing seed is printed; `LEVERET_SEED=n node test/simulation/simulation.test.ts` runs it
 * again, and `LEVERET_TRACE=1` prints what the actors and the clients say to each other on the way.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { simulate } from '../support/sim/simulation.ts';

const SEEDS = 200;
const FAILURES_SHOWN = 5;

const test = suite('simulation');
const only = process.env['LEVERET_SEED'];
const trace = process.env['LEVERET_TRACE'] === '1' ? (text: string) => void process.stdout.write(`${text}\n`) : undefined;
const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, index) => index + 1) : [Number(only)];

test(`what must be true is true in ${seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds`}`, () => {
  const failures: string[] = [];
  const sums = { published: 0, deliveries: 0, queue: 0, connection: 0, thread: 0 };
  for (const seed of seeds) {
    const { violations, published, deliveries, crashes } = simulate(seed, trace);
    sums.published += published;
    sums.deliveries += deliveries;
    sums.queue += crashes.queue;
    sums.connection += crashes.connection;
    sums.thread += crashes.thread;
    if (violations.length > 0) failures.push(`LEVERET_SEED=${seed}: ${violations.join('\n    ')}`);
    if (failures.length === FAILURES_SHOWN) break;
  }
  assert.is(failures.length, 0, failures.join('\n'));
  if (seeds.length < SEEDS) return;
  assert.ok(sums.published > 10_000 && sums.deliveries > 10_000, `the clients were idle: ${JSON.stringify(sums)}`);
  assert.ok(sums.queue > 100 && sums.connection > 100 && sums.thread > 10, `too little went wrong: ${JSON.stringify(sums)}`);
});

test('the same seed is the same run', () => {
  const conversation = (seed: number): string[] => {
    const lines: string[] = [];
    simulate(seed, (text) => lines.push(text));
    return lines;
  };
  const seed = seeds[0]! + 4;
  const first = conversation(seed);
  assert.ok(first.length > 500, 'something was said');
  assert.equal(conversation(seed), first);
});

test.run();
