/** Of several runs, the one in the middle: all its figures belong together. */
import type { Figures } from '../measure.ts';

function rank(figures: Figures): number {
  switch (figures.kind) {
    case 'memory':
      return figures.idleMb;
    case 'load':
      return figures.latency?.p99Us ?? figures.receivedPerSecond;
    case 'backlog':
      return figures.publishedPerSecond;
    case 'confirm':
      return figures.confirm.p99Us - (figures.flush?.p99Us ?? 0);
    case 'expiring':
      return figures.clearedPerSecond;
    case 'dead-letter':
      return figures.arrivedPerSecond;
    case 'restart':
      return figures.firstDeliverySeconds ?? Number.MAX_VALUE;
  }
}

/** undefined for no runs; of an even number, the lower of the two in the middle. */
export function medianRun(runs: readonly Figures[]): Figures | undefined {
  const sorted = [...runs].sort((left, right) => rank(left) - rank(right));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
