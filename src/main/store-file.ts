/** The one file in the data directory that holds definitions and messages. */
export const STORE_FILE = 'store.mdb';
