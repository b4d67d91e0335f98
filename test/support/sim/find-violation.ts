/**
 * Runs seeds from 1 up to the number given and prints the first that fails, with what was found; nothing when all pass. With a second
 * argument, of the node with its store.
 */
import { simulateDurable } from './durable-simulation.ts';
import { simulate } from './simulation.ts';

const seeds = Number(process.argv[2]);
const run = process.argv[3] === undefined ? simulate : simulateDurable;
for (let seed = 1; seed <= seeds; seed++) {
  const { violations } = run(seed);
  if (violations.length === 0) continue;
  process.stdout.write(`seed ${seed}: ${violations[0]}\n`);
  break;
}
