/**
 * Tells the time during which this process could not run although it wanted to. Bounds on how long a broker takes are bounds without that
 * time: what stands still here stands still on the whole machine, or keeps the test itself from looking.
 */

/** How often it wakes up. */
const TICK_MS = 10;
/** A timer of a process that is well comes so late, milliseconds. */
const ROOM_MS = 10;

export class StallMeter {
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #lostMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), TICK_MS);
    this.#timer.unref();
  }

  /** Milliseconds so far. What is read before and after something is what was lost during it. */
  get lostMs(): number {
    this.#look();
    return this.#lostMs;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** Starts to measure; answers the milliseconds that have passed since, without those that were lost. */
  start(): () => number {
    const lostMs = this.lostMs;
    const startedAt = performance.now();
    return () => performance.now() - startedAt - (this.lostMs - lostMs);
  }

  #look(): void {
    const nowMs = performance.now();
    this.#lostMs += Math.max(0, nowMs - this.#lastMs - TICK_MS - ROOM_MS);
    this.#lastMs = nowMs;
  }
}
