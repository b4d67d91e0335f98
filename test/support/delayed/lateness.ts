/** How late something came, a count for each millisecond. */
const MS_MAX = 60_000;
const SHARES = [0.5, 0.9, 0.99, 0.999, 0.9999];

export class Lateness {
  readonly #counts = new Uint32Array(MS_MAX + 1);
  count = 0;
  maxMs = 0;
  minMs = Infinity;

  add(lateMs: number): void {
    this.minMs = Math.min(this.minMs, lateMs);
    this.count++;
    this.maxMs = Math.max(this.maxMs, lateMs);
    this.#counts[Math.min(Math.max(Math.floor(lateMs), 0), MS_MAX)]!++;
  }

  /** So many were at most so late: the upper end of a millisecond. */
  percentile(share: number): number {
    const wanted = Math.ceil(share * this.count);
    let passed = 0;
    for (let ms = 0; ms <= MS_MAX; ms++) {
      passed += this.#counts[ms]!;
      if (passed >= wanted) return ms + 1;
    }
    return MS_MAX;
  }

  /** The share that came within `ms`. */
  within(ms: number): number {
    let passed = 0;
    for (let each = 0; each < ms; each++) passed += this.#counts[each]!;
    return passed / Math.max(this.count, 1);
  }

  get text(): string {
    const parts = SHARES.map((share) => `p${+(100 * share).toFixed(2)} ${this.percentile(share)}`);
    return `${this.count} messages, late by ${parts.join(', ')}, at most ${this.maxMs.toFixed(0)} ms; ${(100 * this.within(50)).toFixed(3)} % within 50 ms`;
  }
}
