/** Runs seeds from 1 up to the number given and prints the first that fails, with what was found; nothing when all pass. */
import { simulate } from './simulation.ts';

const seeds = Number(process.argv[2]);
for (let seed = 1; seed <= seeds; seed++) {
  const { violations } = simulate(seed);
  if (violations.length === 0) continue;
  process.stdout.write(`seed ${seed}: ${violations[0]}\n`);
  break;
}
