/**
 * How often and how long the store commits, for those who look: counted once a transaction, never reset, so that any number of onlookers can take the
 * difference of what they saw.
 *
 * ```
 *   bucket   0      1      2 ...        four buckets double the time
 *   from     1 us   1.2    1.4 ...      bucket n holds times below 2 ** ((n + 1) / 4) us
 * ```
 */
import type { Disk, DiskChange, DiskEntry } from '../store/port.ts';

const BUCKETS = 100;
const BUCKETS_A_DOUBLING = 4;

export type CommitCounts = {
  readonly commits: number;
  /** Keys that were put or deleted, and bytes that were put. */
  readonly changes: number;
  readonly bytes: number;
  /** Commits by the time they took. */
  readonly buckets: readonly number[];
};

/** The time that a share of the commits kept to, microseconds; 0 when there were none. `buckets`: of CommitCounts, or the difference of two. */
export function commitPercentileUs(buckets: readonly number[], share: number): number {
  const wanted = buckets.reduce((sum, count) => sum + count, 0) * share;
  let seen = 0;
  for (const [bucket, count] of buckets.entries()) {
    seen += count;
    if (count > 0 && seen >= wanted) return 2 ** ((bucket + 1) / BUCKETS_A_DOUBLING);
  }
  return 0;
}

/** A disk that is timed. */
export class MeasuredDisk implements Disk {
  readonly #disk: Disk;
  readonly #nowMs: () => number;
  readonly #buckets = new Array<number>(BUCKETS).fill(0);
  #commits = 0;
  #changes = 0;
  #bytes = 0;

  constructor(disk: Disk, nowMs: () => number) {
    this.#disk = disk;
    this.#nowMs = nowMs;
  }

  get counts(): CommitCounts {
    return { commits: this.#commits, changes: this.#changes, bytes: this.#bytes, buckets: [...this.#buckets] };
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#disk.get(key);
  }

  keys(from: Uint8Array, to: Uint8Array): Iterable<Buffer> {
    return this.#disk.keys(from, to);
  }

  entries(from: Uint8Array, to: Uint8Array, stepBytes?: number): Iterable<DiskEntry> {
    return this.#disk.entries(from, to, stepBytes);
  }

  commit(changes: readonly DiskChange[]): void {
    const beganMs = this.#nowMs();
    this.#disk.commit(changes);
    const us = Math.max(1, (this.#nowMs() - beganMs) * 1000);
    this.#buckets[Math.min(BUCKETS - 1, Math.floor(Math.log2(us) * BUCKETS_A_DOUBLING))]!++;
    this.#commits++;
    this.#changes += changes.length;
    for (const { value } of changes) this.#bytes += value?.length ?? 0;
  }
}
