/**
 * How many restarts are borne: at most `restarts` (MaxR) within `periodMs` (MaxT). Zero restarts means that the first crash is
 * one too many.
 */
export type RestartIntensity = {
  readonly restarts: number;
  readonly periodMs: number;
};

/**
 * Counts restarts against an intensity. A restart is counted *before* it is attempted, so that one which fails to start, or
 * crashes at once, has already been paid for. Only the last MaxR times are kept, and they are kept as a ring:
 *
 *       times   [ t7 | t8 | t4 | t5 | t6 ]        MaxR = 5
 *                          ^ oldest: is the next one to be overwritten
 *
 * The next restart is one too many exactly when the ring is full and its oldest time still lies within the period.
 * Source: Erlang/OTP `supervisor`, "Maximum Restart Intensity"; a restart exactly MaxT old still counts.
 */
export class RestartWindow {
  readonly #intensity: RestartIntensity;
  readonly #times: number[] = [];
  #oldest = 0;

  constructor(intensity: RestartIntensity) {
    this.#intensity = intensity;
  }

  /** Counts a restart at `nowMs` (monotonic) and answers whether it may be made. Constant time. */
  admit(nowMs: number): boolean {
    const { restarts, periodMs } = this.#intensity;
    if (this.#times.length < restarts) {
      this.#times.push(nowMs);
      return true;
    }
    const oldestMs = this.#times[this.#oldest];
    if (oldestMs === undefined || nowMs <= oldestMs + periodMs) return false;
    this.#times[this.#oldest] = nowMs;
    this.#oldest = (this.#oldest + 1) % restarts;
    return true;
  }

  /** Restarts that still count at `nowMs`. */
  count(nowMs: number): number {
    return this.#times.reduce((sum, timeMs) => (nowMs <= timeMs + this.#intensity.periodMs ? sum + 1 : sum), 0);
  }
}
