/**
 * 200 seeded runs of a whole node with its store, over several processes on one disk. A failing seed is printed;
 * `LEVERET_SEED=n node test/simulation/durable.test.ts` runs it again, `LEVERET_TRACE=1` prints what the actors and the clients say
 * to each other on the way, and `LEVERET_SEEDS=n` runs more than 200.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import '../support/sim/small-bounds.ts';

const { simulateDurable, simulateLosses } = await import('../support/sim/durable-simulation.ts');

const SEEDS = 200;
const FAILURES_SHOWN = 5;
/** A get that waits for the content of a message that is dropped; a replica that a lost thread sets back; a queue that is deleted while its thread is lost twice. */
const FOUND = [22_992, 21_318, 9_991];
/** A replica that crashes before it has said that its thread has heard of a loss. */
const LOSSES_FOUND = [84, 203, 258];
/** A seed in which much is said. */
const TALKATIVE = 3;

const test = suite('simulation of a node with its store');
const only = process.env['LEVERET_SEED'];
const trace = process.env['LEVERET_TRACE'] === '1' ? (text: string) => void process.stdout.write(`${text}\n`) : undefined;
const count = Number(process.env['LEVERET_SEEDS'] ?? SEEDS);
const lossesCount = Math.ceil(count / 5);
const seeds = only === undefined ? [...Array.from({ length: count }, (_, index) => index + 1), ...FOUND] : [Number(only)];

test(`what was confirmed is there in ${seeds.length === 1 ? `seed ${seeds[0]}` : `${seeds.length} seeds`}`, () => {
  const failures: string[] = [];
  const sums = { published: 0, deliveries: 0, commits: 0, refusals: 0, reads: 0, queue: 0, store: 0, thread: 0, stop: 0, kill: 0, inCommit: 0, device: 0 };
  for (const seed of seeds) {
    const { violations, published, deliveries, commits, refusals, reads, crashes, endings } = simulateDurable(seed, trace);
    sums.published += published;
    sums.deliveries += deliveries;
    sums.commits += commits;
    sums.refusals += refusals;
    sums.reads += reads;
    sums.queue += crashes.queue;
    sums.store += crashes.store;
    sums.thread += crashes.thread;
    sums.stop += endings.stop;
    sums.kill += endings.kill;
    sums.inCommit += endings['kill in a commit'];
    sums.device += endings['failing device'];
    if (violations.length > 0) failures.push(`LEVERET_SEED=${seed}: ${violations.join('\n    ')}`);
    if (failures.length === FAILURES_SHOWN) break;
  }
  assert.is(failures.length, 0, failures.join('\n'));
  if (seeds.length < SEEDS) return;
  const told = JSON.stringify(sums);
  assert.ok(sums.published > 20_000 && sums.deliveries > 20_000 && sums.commits > 5_000, `the clients were idle: ${told}`);
  assert.ok(sums.reads > 2_000 && sums.refusals > 500, `the store was not tried: ${told}`);
  assert.ok(sums.queue > 300 && sums.store > 150 && sums.thread > 20, `too few crashes: ${told}`);
  assert.ok(sums.stop > 50 && sums.kill > 30 && sums.inCommit > 30 && sums.device > 30, `too few ends of processes: ${told}`);
});

test('a lost thread comes back, whatever replicas crash meanwhile', () => {
  const failures: string[] = [];
  const sums = { thread: 0, replica: 0 };
  for (const seed of only === undefined ? [...Array.from({ length: lossesCount }, (_, index) => index + 1), ...LOSSES_FOUND] : seeds) {
    const { violations, crashes } = simulateLosses(seed, trace);
    sums.thread += crashes.thread;
    sums.replica += crashes.replica;
    if (violations.length > 0) failures.push(`LEVERET_SEED=${seed}: ${violations.join('\n    ')}`);
  }
  assert.is(failures.length, 0, failures.join('\n'));
  if (only === undefined) assert.ok(sums.thread > lossesCount && sums.replica > lossesCount, `too few faults: ${JSON.stringify(sums)}`);
});

test('the same seed is the same run', () => {
  const conversation = (seed: number): string[] => {
    const lines: string[] = [];
    simulateDurable(seed, (text) => lines.push(text));
    return lines;
  };
  const first = conversation(TALKATIVE);
  assert.ok(first.length > 500, 'something was said');
  assert.equal(conversation(TALKATIVE), first);
});

test.run();
