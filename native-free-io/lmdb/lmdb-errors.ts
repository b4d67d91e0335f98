/** The two ways in which a commit can fail, and how to tell them apart. */

/** There is no room on the device. The transaction was given up before anything of it counted: the database is as it was. */
export class LmdbFullError extends Error {
  override readonly name = 'LmdbFullError';
}

/** The database cannot be used any more, or not at all. What the last commit left behind shows at the next open. */
export class LmdbFailure extends Error {
  override readonly name = 'LmdbFailure';
}

/** errno of Linux, macOS and FreeBSD alike, but for EDQUOT. */
const EIO = 5;
const EFBIG = 27;
const ENOSPC = 28;
const EDQUOT = process.platform === 'linux' ? 122 : 69;
/** LMDB's addition to what the system said when it refused to write pages. */
const REFUSED_WRITE = 'Attempting to write page';

/** What LMDB reported; 0 when the error did not come from it. Positive: errno; negative: LMDB's own numbers. */
export function lmdbCodeOf(error: unknown): number {
  const code = error instanceof Error ? (error as Error & { readonly code?: unknown }).code : undefined;
  return typeof code === 'number' ? code : 0;
}

/**
 * Whether a write of pages that failed met a full device. One that fills up in the middle of a write answers with a short count and
 * no error; LMDB makes an EIO of that, without its addition. An EIO with the addition came from the device.
 */
export function meansFull(error: unknown): boolean {
  const code = lmdbCodeOf(error);
  if (code === EIO) return !(error as Error).message.includes(REFUSED_WRITE);
  return code === ENOSPC || code === EDQUOT || code === EFBIG;
}

/** The same of an error of `node:fs`. */
export function isFullDevice(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}

/** One sentence for an operator: what did not work, with which file, and what LMDB or the system said to it. */
export function failureText(action: string, path: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  const code = lmdbCodeOf(error);
  return `the store could not ${action} ${path}: ${reason}${code === 0 ? '' : ` (code ${code})`}`;
}
