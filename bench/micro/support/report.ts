import Benchmark from 'benchmark';

/** Short samples, many of them: on a busy machine most lose a core for some time, and the best ones did not. */
const SAMPLING = { minTime: 0.002, minSamples: 200, maxTime: 2 };

/** Times `run`, which does `count` things, and prints what one of them costs. */
export function report(name: string, what: string, count: number, run: () => void): void {
  const bench = new Benchmark(name, run, SAMPLING);
  bench.run();
  const sorted = [...bench.stats.sample].sort((a, b) => a - b);
  const nsOf = (seconds: number): string => ((seconds * 1e9) / count).toFixed(1).padStart(8);
  const median = sorted[sorted.length >> 1] ?? NaN;
  process.stdout.write(`${name.padEnd(52)}${nsOf(median)} ns a ${what} (median), ${nsOf(sorted[0] ?? NaN)} (best)\n`);
}
