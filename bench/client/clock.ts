/**
 * The clock of the load tool: nanoseconds of the system's monotonic clock, as a number. Every process of one machine reads the
 * same clock, so a time written by a producer can be subtracted by a consumer. Above 104 days of uptime the last nanosecond is
 * rounded away, which no figure here can notice.
 */
export function nowNs(): number {
  return Number(process.hrtime.bigint());
}

/** Calls back as soon as the clock has passed `atNs`; late by what the event loop owes, so callers read the clock again. */
export function callAt(atNs: number, callback: () => void): void {
  setTimeout(callback, Math.max(0, Math.ceil((atNs - nowNs()) / 1e6)));
}

/** Sleeps without blocking, for at least `durationMs` milliseconds. */
export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
