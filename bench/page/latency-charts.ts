/** Latency as a histogram and by percentile, both with times on a logarithmic axis. */
import type { Histogram } from 'hdr-histogram-js';
import { mergeHistograms, recordedCounts } from '../client/latency.ts';
import { drawChart, plotBottom, plotLeft, plotRight, plotTop, type Line } from './chart.ts';
import { linear, logarithmic, nines } from './scale.ts';

export type NamedHistogram = { readonly name: string; readonly encoded: string; readonly colour: number };

/** Steps of the histogram for each doubling of the time. */
const STEPS_A_DOUBLING = 6;
/** Points of the percentile plot for each further nine. */
const POINTS_A_NINE = 24;
const NINES = 4;

/** `250 us`, `1.5 ms`, `2 s`. */
export function duration(us: number): string {
  if (us >= 1e6) return `${Number((us / 1e6).toPrecision(3))} s`;
  return us >= 1e3 ? `${Number((us / 1e3).toPrecision(3))} ms` : `${Number(us.toPrecision(3))} us`;
}

/** Latency at percentiles from 0 to 99.99, so close to each other that a line is smooth. */
export function percentilePoints(histogram: Histogram): (readonly [percentile: number, us: number])[] {
  return Array.from({ length: NINES * POINTS_A_NINE + 1 }, (_, index) => {
    const percentile = 100 * (1 - 10 ** (-index / POINTS_A_NINE));
    return [percentile, histogram.getValueAtPercentile(percentile)] as const;
  });
}

/** The share of messages in each step of time, %: steps grow with the time, as the axis does. */
export function histogramSteps(histogram: Histogram): (readonly [us: number, share: number])[] {
  const total = histogram.totalCount;
  if (total === 0) return [];
  const counts = new Map<number, number>();
  for (const { us, count } of recordedCounts(histogram)) {
    const step = Math.floor(Math.log2(Math.max(1, us)) * STEPS_A_DOUBLING);
    for (let empty = (lastKey(counts) ?? step) + 1; empty < step; empty += 1) counts.set(empty, 0);
    counts.set(step, (counts.get(step) ?? 0) + count);
  }
  return [...counts].flatMap(([step, count]) => {
    const share = (100 * count) / total;
    return [
      [2 ** (step / STEPS_A_DOUBLING), share],
      [2 ** ((step + 1) / STEPS_A_DOUBLING), share],
    ] as const;
  });
}

function lastKey(map: ReadonlyMap<number, number>): number | undefined {
  return [...map.keys()].at(-1);
}

export function drawLatency(named: readonly NamedHistogram[]): string {
  const histograms = named.map((one) => ({ ...one, histogram: mergeHistograms([one.encoded]) })).filter(({ histogram }) => histogram.totalCount > 0);
  if (histograms.length === 0) return '';
  const least = Math.min(...histograms.map(({ histogram }) => Math.max(1, histogram.minNonZeroValue)));
  const mostShown = Math.max(...histograms.map(({ histogram }) => histogram.getValueAtPercentile(99.99)));
  const most = Math.max(...histograms.map(({ histogram }) => histogram.maxValue));
  const byPercentile = histograms.map(({ name, colour, histogram }): Line => ({ name, colour, points: percentilePoints(histogram) }));
  const steps = histograms.map(({ name, colour, histogram }): Line => ({ name, colour, points: histogramSteps(histogram) }));
  const tallest = Math.max(...steps.flatMap(({ points }) => points.map(([, share]) => share ?? 0)));
  return `${drawChart({
    title: 'Latency by percentile, to p99.99',
    x: nines(plotLeft, plotRight),
    y: logarithmic(least, mostShown, plotBottom, plotTop, duration),
    xLabel: 'percentile: each further nine takes the same room',
    yLabel: 'from the due time of sending to the arrival',
    lines: byPercentile,
  })}
${drawChart({
  title: 'Latency histogram',
  x: logarithmic(least, most, plotLeft, plotRight, duration),
  y: linear(0, tallest, plotBottom, plotTop),
  xLabel: 'latency',
  yLabel: `share of messages in each step of time (${STEPS_A_DOUBLING} steps a doubling), %`,
  lines: steps,
})}`;
}
