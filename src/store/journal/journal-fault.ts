/** The journal is damaged: messages that were confirmed may be missing. The message says what to do. */
export class JournalFault extends Error {
  override readonly name = 'JournalFault';

  constructor(what: string) {
    super(`the journal of the store is damaged: ${what}. Put back a copy of the whole data directory, or choose another one with --data-dir.`);
  }
}
