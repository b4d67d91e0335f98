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
const ENOSPC = 28;
const EDQUOT = process.platform === 'linux' ? 122 : 69;

/** What LMDB reported; 0 when the error did not come from it. Positive: errno; negative: LMDB's own numbers. */
export function lmdbCodeOf(error: unknown): number {
  const code = error instanceof Error ? (error as Error & { readonly code?: unknown }).code : undefined;
  return typeof code === 'number' ? code : 0;
}

/**
 * Whether a failed write of pages may mean a full device. A device that fills up in the middle of a `pwritev` answers with a short
 * count, and LMDB reports that as EIO: only with `roomy` false is that believed.
 */
export function meansFull(code: number, roomy: boolean): boolean {
  return code === ENOSPC || code === EDQUOT || (code === EIO && !roomy);
}

/** One sentence for an operator: what did not work, with which file, and what LMDB or the system said to it. */
export function failureText(action: string, path: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  const code = lmdbCodeOf(error);
  return `the store could not ${action} ${path}: ${reason}${code === 0 ? '' : ` (code ${code})`}`;
}
