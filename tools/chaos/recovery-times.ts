/** Times until something worked again, ms. */
export type TimeSummary = { readonly count: number; readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };

/** More than any run needs; later ones still count for the largest. */
const TIMES_MAX = 100_000;

export class RecoveryTimes {
  readonly #times: number[] = [];
  #count = 0;
  #maxMs = 0;

  add(ms: number): void {
    this.#count++;
    this.#maxMs = Math.max(this.#maxMs, ms);
    if (this.#times.length < TIMES_MAX) this.#times.push(ms);
  }

  /** Whole milliseconds; undefined when there was nothing to recover from. */
  summary(): TimeSummary | undefined {
    if (this.#count === 0) return undefined;
    const sorted = this.#times.toSorted((left, right) => left - right);
    const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0);
    return { count: this.#count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: Math.round(this.#maxMs) };
  }
}
