/**
 * For what a broker has to do within a short time, on a machine that may stand still for longer than that. The test takes time stamps
 * around what it does; where they say that nothing can be concluded, the attempt counts for nothing and is made again.
 */
import { StallMeter } from './stall-meter.ts';

/** Answered by an attempt whose own time stamps say that the machine was too slow for it. */
export const TOO_LATE = Symbol('too late');

/** A machine that is too slow so often is too slow for the test. */
const ATTEMPTS_MAX = 20;

/**
 * The outcome of the first attempt that was in time. An attempt starts afresh each time (other queues, other channels), and answers
 * TOO_LATE only when a broker without fault could have behaved as it was seen to, given how long the attempt took. Errors: those of the attempt.
 */
export async function timely<T>(attempt: (number: number) => Promise<T | typeof TOO_LATE>): Promise<T> {
  for (let number = 0; number < ATTEMPTS_MAX; number++) {
    const outcome = await attempt(number);
    if (outcome !== TOO_LATE) return outcome;
  }
  throw new Error(`none of ${ATTEMPTS_MAX} attempts was in time`);
}

/** Lost in an attempt, so many milliseconds change what a machine shows that is well. */
const DISTURBED_MS = 100;

/**
 * For what shows itself only while the machine does not stand still, such as times between two messages: an attempt that fails while this
 * process was kept from running is made again. Errors: that of an attempt which was not disturbed, or of the last.
 */
export async function undisturbed(attempt: () => Promise<void>): Promise<void> {
  for (let left = ATTEMPTS_MAX - 1; ; left--) {
    const stalls = new StallMeter();
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || stalls.lostMs < DISTURBED_MS) throw error;
    } finally {
      stalls.end();
    }
  }
}
