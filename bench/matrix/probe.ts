/** What a broker can be asked about itself while it is measured. */

/** Counters since the broker runs; the measurement takes differences. */
export type ProbeReading = {
  readonly threads: readonly { readonly name: string; readonly activeMs: number; readonly idleMs: number }[];
  readonly commits: number;
  /** Commits by how long they took: bucket n holds times below 2 ** ((n + 1) / 4) us. */
  readonly commitBuckets: readonly number[];
};

/** Never rejects; undefined: there was no answer. */
export type Probe = () => Promise<ProbeReading | undefined>;

const BUCKETS_A_DOUBLING = 4;

/** The time that a share of the commits between two readings kept to, us; null: there were none. */
export function commitPercentileUs(before: readonly number[], after: readonly number[], share: number): number | null {
  const counts = after.map((count, bucket) => count - (before[bucket] ?? 0));
  const wanted = counts.reduce((sum, count) => sum + count, 0) * share;
  if (wanted <= 0) return null;
  let seen = 0;
  for (const [bucket, count] of counts.entries()) {
    seen += count;
    if (count > 0 && seen >= wanted) return 2 ** ((bucket + 1) / BUCKETS_A_DOUBLING);
  }
  return null;
}
