/**
 * Reads all entries of an LMDB file without LMDB: no lock, no map, nothing written. It may look into the file of a running node,
 * which goes on committing meanwhile: the pages of a transaction are written anew by the third commit after it at the earliest.
 * So what was read counts when the file is at most one commit ahead afterwards; otherwise the reading goes on behind the last
 * key, in what is the newest transaction by then. The entries of one reading may therefore be of different commits.
 */
import { DEPTH_MAX, HEADER_BYTES, META_PAGES, NO_PAGE, NodeFlag, PageFlag, largePages, readNumber } from './page-layout.ts';
import { BYTE_ORDER } from './key-order.ts';
import { LmdbFileFault, PageFile } from './page-file.ts';
import { readMetas, readTransactions, type Meta } from './meta-page.ts';
import { TreePage } from './tree-page.ts';

export type LmdbFileEntry = { readonly key: Buffer; readonly value: Buffer };

const NO_BYTES: Buffer = Buffer.alloc(0);

/** So often a reading begins anew without one entry gained before it gives up. */
export const ATTEMPTS_MAX = 1_000;

export type LmdbReadOptions = {
  /** Only entries whose keys come after this one; empty, or left out: all. */
  readonly after?: Buffer;
  /** Values are not read, and come empty. */
  readonly keysOnly?: boolean;
};

/** The newest transaction in the file. Read before and after, it tells whether a reading was of one and the same state. */
export function newestTransaction(path: string): number {
  const file = new PageFile(path);
  try {
    return Math.max(...readTransactions(file));
  } finally {
    file.close();
  }
}

/**
 * The entries of the unnamed database in the data file at `path`, in the order of their keys, each a copy. Checksums are for who
 * wrote the values. Throws `LmdbFileFault` when the file is damaged; one that nobody writes is better given to `checkLmdbFile`
 * first, which sees more.
 */
export function* readLmdbEntries(path: string, options: LmdbReadOptions = {}): Generator<LmdbFileEntry, void> {
  const { keysOnly = false } = options;
  const file = new PageFile(path);
  try {
    let after = options.after ?? NO_BYTES;
    let fault: LmdbFileFault | undefined;
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
      const before = readTransactions(file);
      try {
        for (const entry of new Reading(file, readMetas(file).newest, after, keysOnly).entries()) {
          yield entry;
          after = entry.key;
          attempts = 0;
        }
        return;
      } catch (error) {
        // Where the file was written meanwhile a fault says nothing. Where it stands still it is damage.
        const moved = readTransactions(file).some((transaction, page) => transaction !== before[page]);
        if (!(error instanceof LmdbFileFault) || !moved) throw error;
        fault = error;
      }
    }
    throw new LmdbFileFault(`${path} is damaged, or written faster than it can be read (${fault?.message})`);
  } finally {
    file.close();
  }
}

/** One transaction, as long as its pages stand. */
class Reading {
  readonly #file: PageFile;
  readonly #meta: Meta;
  readonly #levels: TreePage[] = [];
  readonly #endPage: number;
  readonly #keysOnly: boolean;
  #pagesLeft: number;
  /** The last key that was read; empty before the first. */
  #after: Buffer;

  constructor(file: PageFile, meta: Meta, after: Buffer, keysOnly: boolean) {
    this.#file = file;
    this.#keysOnly = keysOnly;
    this.#meta = meta;
    this.#after = after;
    this.#endPage = Math.min(meta.lastPage + 1, Math.floor(file.sizeBytes / meta.pageBytes));
    this.#pagesLeft = this.#endPage;
  }

  *entries(): Generator<LmdbFileEntry, void> {
    const { root, depth } = this.#meta.main;
    if (depth > DEPTH_MAX) throw new LmdbFileFault(`the main tree says that it is ${depth} pages deep`);
    if (root !== NO_PAGE) yield* this.#visit(root, 0, this.#meta.transaction);
  }

  *#visit(number: number, level: number, newest: number): Generator<LmdbFileEntry, void> {
    const leaf = level === this.#meta.main.depth - 1;
    this.#requireInFile(number, 1);
    if (this.#pagesLeft-- === 0) throw new LmdbFileFault('the main tree leads to more pages than the file has');
    const page = (this.#levels[level] ??= new TreePage(this.#meta.pageBytes));
    page.load(this.#file, number, leaf);
    this.#requireStanding();
    const { transaction } = page;
    if (!(transaction >= 1 && transaction <= newest)) page.fault(`it is of transaction ${transaction}, what leads to it of ${newest}`);
    for (let index = this.#firstOf(page); index < page.count; index++) {
      if (!leaf) yield* this.#visit(page.child(index), level + 1, transaction);
      else if (page.flags(index) !== NodeFlag.tree) yield this.#entry(page, index);
    }
  }

  /** Of a leaf the first node behind the last key; of a branch the child that may hold it. */
  #firstOf(page: TreePage): number {
    let index = page.leaf ? 0 : 1;
    while (index < page.count && this.#isPast(page, index)) index++;
    return page.leaf ? index : index - 1;
  }

  /** Whether the key of the node comes before the last key that was read, or is the same. */
  #isPast(page: TreePage, index: number): boolean {
    if (this.#after.length === 0) return false;
    return BYTE_ORDER.compare(page.bytes, page.keyStart(index), page.keyEnd(index), this.#after, 0, this.#after.length) <= 0;
  }

  #entry(page: TreePage, index: number): LmdbFileEntry {
    if (this.#isPast(page, index)) page.fault(`the key of node ${index} does not come after the one before`);
    const keyEnd = page.keyEnd(index);
    this.#after = Buffer.from(page.bytes.subarray(page.keyStart(index), keyEnd));
    if (this.#keysOnly) return { key: this.#after, value: NO_BYTES };
    const isLarge = page.flags(index) === NodeFlag.large;
    return { key: this.#after, value: isLarge ? this.#largeValue(page, index) : Buffer.from(page.bytes.subarray(keyEnd, keyEnd + page.valueBytes(index))) };
  }

  #largeValue(page: TreePage, index: number): Buffer {
    const large = page.largeValue(index);
    const sizeBytes = page.valueBytes(index);
    this.#requireInFile(large.page, large.pages);
    if (large.pages < largePages(sizeBytes, this.#meta.pageBytes)) page.fault(`node ${index} has ${sizeBytes} bytes on ${large.pages} pages`);
    const run = Buffer.allocUnsafeSlow(HEADER_BYTES + sizeBytes);
    this.#file.read(run, large.page * this.#meta.pageBytes, run.length);
    this.#requireStanding();
    if (readNumber(run, 0) !== large.page || readNumber(run, 8) !== large.transaction || run.readUInt16LE(18) !== PageFlag.large) {
      page.fault(`node ${index} has its value on page ${large.page}, which is not the beginning of it`);
    }
    return run.subarray(HEADER_BYTES);
  }

  #requireInFile(first: number, count: number): void {
    if (first >= META_PAGES && count >= 1 && first + count <= this.#endPage) return;
    throw new LmdbFileFault(`the main tree leads to page ${first}, outside of pages ${META_PAGES} to ${this.#endPage - 1}`);
  }

  /** What was read before this counts. */
  #requireStanding(): void {
    if (Math.max(...readTransactions(this.#file, this.#meta.pageBytes)) > this.#meta.transaction + 1) {
      throw new LmdbFileFault(`transaction ${this.#meta.transaction} is no longer whole`);
    }
  }
}
