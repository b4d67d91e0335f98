/**
 * Runs the seeds that are given, parted by commas, and prints the first that fails, with what was found; nothing when all pass. With a
 * second argument, `stored`, of the node with its store, with `delayed` of one that holds messages back, too, with `losses` of one whose
 * threads are lost while replicas crash.
 */
import { simulateDelayed, simulateDurable, simulateLosses } from './durable-simulation.ts';
import { simulate } from './simulation.ts';

const seeds = process.argv[2]!.split(',').map(Number);
const kind = process.argv[3] as 'stored' | 'delayed' | 'losses' | undefined;
const kinds = { stored: simulateDurable, delayed: simulateDelayed, losses: simulateLosses };
const run = kind === undefined ? simulate : kinds[kind];
for (const seed of seeds) {
  const { violations } = run(seed);
  if (violations.length === 0) continue;
  process.stdout.write(`seed ${seed}: ${violations[0]}\n`);
  break;
}
