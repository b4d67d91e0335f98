/**
 * A few words that all threads of a node share and that outlive a thread, `THREAD_WORDS` for each.
 */
export const THREAD_WORDS = 16;

export const ThreadWord = {
  /** Serial number of the thread's next connection: never used again, also not by a replacement of the thread. */
  connectionSerial: 0,
} as const;

/** The serial number of the thread's next connection, also of one that is lost. */
export function nextConnection(words: SharedArrayBuffer, thread: number): number {
  return new Int32Array(words)[thread * THREAD_WORDS + ThreadWord.connectionSerial]!;
}
