/** The one file in the data directory that holds definitions and messages. */
export const STORE_FILE = 'store.mdb';

/** The journal in front of it: what is confirmed and not in the database yet. */
export function journalPathOf(storePath: string): string {
  return storePath.replace(/\.mdb$/, '.journal');
}
