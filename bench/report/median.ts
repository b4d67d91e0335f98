/** Of several runs, the one in the middle: all its figures belong together. */
import type { Figures } from '../measure.ts';

function rank(figures: Figures): number {
  if (figures.kind === 'memory') return figures.idleMb;
  return figures.latency?.p99Us ?? figures.receivedPerSecond;
}

/** undefined for no runs; of an even number, the lower of the two in the middle. */
export function medianRun(runs: readonly Figures[]): Figures | undefined {
  const sorted = [...runs].sort((left, right) => rank(left) - rank(right));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
