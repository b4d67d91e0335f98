/**
 * Letters to the janitor on the main thread (prefix 0x07).
 *
 * ```
 * memory  from a scheduler thread. a: 1 messages take more memory than the limit, 0 less again
 * disk    from the store. a: 1 there is no room to write, 0 again there is
 * ```
 */
export const JanitorLetter = {
  memory: 0x701,
  disk: 0x702,
} as const;

export const JANITOR_ID = 4;
export const JANITOR_THREAD = 0;
