/**
 * The clock of the load tool: nanoseconds of the system's monotonic clock, as a number. Every process of one machine reads the
 * same clock, so a time written by a producer can be subtracted by a consumer. Above 104 days of uptime the last nanosecond is
 * rounded away, which no figure here can notice.
 *
 * It is read through `performance.now`, which counts from the start of the process, and moved by a distance that is measured
 * once. `process.hrtime.bigint` allocates with each call: a producer that waits awake would collect garbage a thousand times
 * a second, and the pauses would be counted as the broker's latency.
 */
const ORIGIN_NS = originNs();

export function nowNs(): number {
  return performance.now() * 1e6 + ORIGIN_NS;
}

/** Of several attempts the one that took least: there the two clocks were read closest to each other. */
function originNs(): number {
  const ATTEMPTS = 64;
  let narrowestNs = Infinity;
  let distanceNs = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = Number(process.hrtime.bigint());
    const elapsedNs = performance.now() * 1e6;
    const after = Number(process.hrtime.bigint());
    if (after - before >= narrowestNs) continue;
    narrowestNs = after - before;
    distanceNs = (before + after) / 2 - elapsedNs;
  }
  return distanceNs;
}

/** Calls back as soon as the clock has passed `atNs`; late by what the event loop owes, so callers read the clock again. */
export function callAt(atNs: number, callback: () => void): void {
  setTimeout(callback, Math.max(0, Math.ceil((atNs - nowNs()) / 1e6)));
}

/** Sleeps without blocking, for at least `durationMs` milliseconds. */
export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
