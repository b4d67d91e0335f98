/**
 * Runs seeds from the first number given to the second and prints the first that fails, with what was found; nothing when all pass. With a
 * third argument, `stored`, of the node with its store, with `delayed` of one that holds messages back, too, with `losses` of one whose
 * threads are lost while replicas crash.
 */
import { simulateDelayed, simulateDurable, simulateLosses } from './durable-simulation.ts';
import { simulate } from './simulation.ts';

const [first, last] = process.argv.slice(2, 4).map(Number) as [number, number];
const kind = process.argv[4] as 'stored' | 'delayed' | 'losses' | undefined;
const kinds = { stored: simulateDurable, delayed: simulateDelayed, losses: simulateLosses };
const run = kind === undefined ? simulate : kinds[kind];
for (let seed = first; seed <= last; seed++) {
  const { violations } = run(seed);
  if (violations.length === 0) continue;
  process.stdout.write(`seed ${seed}: ${violations[0]}\n`);
  break;
}
