/** Latency histograms: microseconds with three significant digits, from 1 us to a minute, and how they cross processes. */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, JsHistogram, type Histogram } from 'hdr-histogram-js';

const HIGHEST_US = 60_000_000;

export type LatencySummary = {
  readonly count: number;
  readonly minUs: number;
  readonly p50Us: number;
  readonly p75Us: number;
  readonly p95Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
};

export function createHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: HIGHEST_US, numberOfSignificantValueDigits: 3 });
}

/** Longer than a minute counts as a minute, never as nothing. */
export function recordLatency(histogram: Histogram, latencyNs: number): void {
  histogram.recordValue(Math.min(HIGHEST_US, Math.max(0, Math.round(latencyNs / 1000))));
}

export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

/** One histogram of what several processes counted. */
export function mergeHistograms(encoded: readonly string[]): Histogram {
  const merged = createHistogram();
  for (const text of encoded) merged.add(decodeFromCompressedBase64(text));
  return merged;
}

/** How many messages took how long, us, in order; what the histogram cannot tell apart is one entry. */
export function recordedCounts(histogram: Histogram): { readonly us: number; readonly count: number }[] {
  if (!(histogram instanceof JsHistogram)) throw new TypeError('a histogram of another kind than createHistogram makes');
  const counts: { us: number; count: number }[] = [];
  const iterator = histogram.recordedValuesIterator;
  iterator.reset();
  while (iterator.hasNext()) {
    const { valueIteratedTo, countAtValueIteratedTo } = iterator.next();
    counts.push({ us: valueIteratedTo, count: countAtValueIteratedTo });
  }
  return counts;
}

export function summarizeLatency(histogram: Histogram): LatencySummary {
  return {
    count: histogram.totalCount,
    minUs: histogram.totalCount === 0 ? 0 : histogram.getValueAtPercentile(0),
    p50Us: histogram.getValueAtPercentile(50),
    p75Us: histogram.getValueAtPercentile(75),
    p95Us: histogram.getValueAtPercentile(95),
    p99Us: histogram.getValueAtPercentile(99),
    p999Us: histogram.getValueAtPercentile(99.9),
    maxUs: histogram.maxValue,
  };
}
