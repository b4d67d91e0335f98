/**
 * For what a broker has to do within a short time, on a machine that may stand still for longer than that. The test takes time stamps
 * around what it does; where they say that nothing can be concluded, the attempt counts for nothing and is made again.
 */

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
