/**
 * Letters to the janitor on the main thread (prefix 0x07).
 *
 * ```
 * memory  from a scheduler thread. a: 1 messages take more memory than the limit, 0 less again
 * ```
 */
export const JanitorLetter = {
  memory: 0x701,
} as const;

export const JANITOR_ID = 4;
export const JANITOR_THREAD = 0;
