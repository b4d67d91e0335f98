/**
 * Time, as the rest of the system may know it: a clock that never goes back, and one-shot timers. Everything that waits
 * takes a `Clock`, so that a seeded simulation can hand out its own time.
 */
export type Clock = {
  /**
   * Milliseconds since the epoch, with fractions, as the system's clock stood when the thread began: monotonic from then on, so that later
   * corrections of that clock change nothing. The same on all threads but for such corrections.
   */
  nowMs(): number;
  /** Calls `callback` once, not before `delayMs` milliseconds have passed. A delay below zero counts as zero. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** The callback will not be called any more. A timer that has fired or was cleared may be cleared again. */
  clearTimer(timer: Timer): void;
};

/** What `setTimer` answers; only the clock that made it can read it. */
export type Timer = object;

/** Node fires a timer with a longer delay at once (it keeps signed 32-bit milliseconds), so longer waits go in steps. */
const TIMER_STEP_MAX_MS = 2 ** 31 - 1;

/** The epoch time from which `performance.now()` counts on this thread. */
const THREAD_BEGAN_MS = Date.now() - performance.now();

type SystemTimer = { timeout: NodeJS.Timeout };

/** The real clock: `performance.now()`, which each thread counts from a moment of its own, and Node's timers. A pending timer keeps the thread alive. */
export const systemClock: Clock = {
  nowMs: () => THREAD_BEGAN_MS + performance.now(),
  setTimer: (delayMs, callback) => {
    const timer: SystemTimer = { timeout: arm(Math.max(0, delayMs)) };
    function arm(leftMs: number): NodeJS.Timeout {
      if (leftMs <= TIMER_STEP_MAX_MS) return setTimeout(callback, leftMs);
      return setTimeout(() => (timer.timeout = arm(leftMs - TIMER_STEP_MAX_MS)), TIMER_STEP_MAX_MS);
    }
    return timer;
  },
  clearTimer: (timer) => clearTimeout((timer as SystemTimer).timeout),
};
