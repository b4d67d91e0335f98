/**
 * Seeded runs of a whole node with its store, as in durable.test.ts, in which half of what is published is held back: it comes when it is due,
 * not before, and none that was confirmed is lost. `LEVERET_SEED=n` runs one seed again, `LEVERET_SEEDS=n` runs more than the usual ones.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import '../support/sim/small-bounds.ts';
import '../support/sim/small-delays.ts';

const { simulateDelayed } = await import('../support/sim/durable-simulation.ts');

const SEEDS = 50;
const FAILURES_SHOWN = 5;

const test = suite('simulation of delayed messages');
const only = process.env['LEVERET_SEED'];
const trace = process.env['LEVERET_TRACE'] === '1' ? (text: string) => void process.stdout.write(`${text}\n`) : undefined;
const count = Number(process.env['LEVERET_SEEDS'] ?? SEEDS);
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)];

test(`come in time, and all of them, in ${seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds`}`, () => {
  const failures: string[] = [];
  let deliveries = 0;
  for (const seed of seeds) {
    const outcome = simulateDelayed(seed, trace);
    deliveries += outcome.deliveries;
    if (outcome.violations.length > 0) failures.push(`LEVERET_SEED=${seed}: ${outcome.violations.join('\n    ')}`);
    if (failures.length === FAILURES_SHOWN) break;
  }
  assert.is(failures.length, 0, failures.join('\n'));
  assert.ok(deliveries > 30 * seeds.length, `the clients were idle: ${deliveries} deliveries`);
});

test.run();
