/**
 * How long a test waits for something that a broker should do at once, milliseconds. No promise of the broker's is measured with it: it is
 * longer than all the pauses that a busy machine takes one after the other.
 */
export const DEADLINE_MS = 30_000;

/**
 * The promise's outcome, or an error that names `what` when it takes longer than `timeoutMs`. Tests wait on conditions;
 * this only keeps a failed condition from hanging the file.
 */
export async function withinDeadline<T>(promise: Promise<T>, what: string, timeoutMs: number = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms for ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
