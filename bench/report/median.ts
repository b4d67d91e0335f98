/**
 * Of several runs, the one in the middle: all its figures belong together. But the run with the middle p99 says nothing of the p50, so that
 * of latencies each figure is the median of its own.
 */
import type { Figures } from '../measure.ts';
import type { LoadFigures } from '../measurement/load.ts';

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

type RatedLatency = NonNullable<LoadFigures['latency']>;

function middle<T>(sorted: readonly T[]): T | undefined {
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** What is missing in any run is missing. */
function middleLatency(latencies: readonly RatedLatency[], of: RatedLatency): RatedLatency {
  const median = (figure: 'p50Us' | 'p75Us' | 'p95Us' | 'p99Us' | 'p999Us' | 'maxUs'): number =>
    middle(latencies.map((latency) => latency[figure]).sort((left, right) => left - right)) ?? of[figure];
  return {
    ...of,
    p50Us: median('p50Us'),
    p75Us: median('p75Us'),
    p95Us: median('p95Us'),
    p99Us: median('p99Us'),
    p999Us: median('p999Us'),
    maxUs: median('maxUs'),
    missing: Math.max(...latencies.map(({ missing }) => missing)),
  };
}

/** undefined for no runs; of an even number, the lower of the two in the middle. */
export function medianRun(runs: readonly Figures[]): Figures | undefined {
  const run = middle([...runs].sort((left, right) => rank(left) - rank(right)));
  if (run?.kind !== 'load' || run.latency === undefined) return run;
  const latencies = runs.flatMap((figures) => (figures.kind === 'load' && figures.latency !== undefined ? [figures.latency] : []));
  return { ...run, latency: middleLatency(latencies, run.latency) };
}
