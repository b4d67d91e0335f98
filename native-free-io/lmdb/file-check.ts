/**
 * Is the file of an LMDB environment what LMDB wrote? LMDB itself believes every page: its pages carry no checksums, it maps the
 * file, and a damaged page makes it abort, run into foreign memory, or pass by a part of a tree without a word. So this is asked
 * before LMDB opens the file, in plain reads: all branch and leaf pages, the lists of free pages, and the first bytes of each
 * large value. The rest of large values, and the bytes of keys and values, have checksums that the store writes.
 *
 * What it must not do is throw, whatever the file holds; run on, since each page is visited once; or take more memory than one
 * bit for each page and a page for each level of a tree.
 */
import { HEADER_BYTES, META_PAGES, NO_PAGE, NodeFlag, readNumber, readTreeRecord, type TreeRecord } from './page-layout.ts';
import { BYTE_ORDER, NUMBER_ORDER } from './key-order.ts';
import { FreePages } from './free-pages.ts';
import { LmdbFileFault, PageFile } from './page-file.ts';
import { PageSet } from './page-set.ts';
import type { LaterCommit } from './later-commit.ts';
import { readMetas, type Meta, type Metas } from './meta-page.ts';
import type { TreePage } from './tree-page.ts';
import { TreeWalk, type Snapshot } from './tree-walk.ts';

export type LmdbFileCheck =
  | { readonly sound: true; readonly pages: number; readonly entries: number; readonly transaction: number }
  /** `later`: the fault is that one alone, and `keepLaterCommit` mends it. */
  | { readonly sound: false; readonly fault: string; readonly later?: LaterCommit };

/** Named databases of one environment. The main tree would hold more without harm; nobody makes them. */
const NAMED_TREES_MAX = 256;
/** Flags of a tree of plain keys and values: none, or the one of lmdb-js for entries with versions. */
const PLAIN_FLAGS = 0x100;

/**
 * Checks the data file at `path` (not its directory), which nobody may write meanwhile. `pages` are those that the newest
 * transaction uses or lists as free, `entries` the keys of all databases in it. A fault is a sentence that names the page.
 */
export function checkLmdbFile(path: string): LmdbFileCheck {
  let file: PageFile | undefined;
  try {
    file = new PageFile(path);
    const metas = readMetas(file);
    const sound = checkSnapshot(file, metas.newest);
    const later = laterCommit(file, metas);
    if (later !== undefined) return { sound: false, fault: laterFault(metas.older, later), later };
    return { sound: true, pages: sound.pages, entries: sound.entries, transaction: metas.newest.transaction };
  } catch (error) {
    return { sound: false, fault: error instanceof LmdbFileFault ? error.message : `${path} cannot be checked (${String(error)})` };
  } finally {
    file?.close();
  }
}

/** All trees from one meta page. `highestPage`: of those that are in the file. */
function checkSnapshot(file: PageFile, meta: Meta): { pages: number; entries: number; highestPage: number } {
  const filePages = Math.floor(file.sizeBytes / meta.pageBytes);
  const snapshot: Snapshot = {
    file,
    pageBytes: meta.pageBytes,
    endPage: Math.min(filePages, meta.lastPage + 1),
    transaction: meta.transaction,
    used: new PageSet(0, filePages),
  };
  const named: TreeRecord[] = [];
  const main = walkEntries(snapshot, meta.main, 'the main tree', (page, index) => {
    if (page.flags(index) !== NodeFlag.tree) return;
    if (named.length === NAMED_TREES_MAX) page.fault(`node ${index} is one named database too many`);
    named.push(readTreeRecord(page.bytes, page.keyEnd(index)));
  });
  for (const tree of named) {
    walkEntries(snapshot, tree, 'a named database', (page, index) => {
      if (page.flags(index) === NodeFlag.tree) page.fault(`node ${index} is a database within a named database`);
    });
  }
  const free = new FreePages(snapshot, filePages, meta.lastPage);
  const freeTree = new TreeWalk(snapshot, meta.free, {
    name: 'the free tree',
    order: NUMBER_ORDER,
    childrenMin: 1,
    onEntry: (page, index) => free.readList(page, index),
  });
  freeTree.run();
  checkLastCommit(meta, Math.max(main.rootTransaction, freeTree.rootTransaction));
  const entries = named.reduce((sum, tree) => sum + tree.entries, meta.main.entries - named.length);
  return { pages: snapshot.used.size + free.unwrittenCount, entries, highestPage: snapshot.used.highest };
}

function walkEntries(snapshot: Snapshot, tree: TreeRecord, name: string, onEntry: (page: TreePage, index: number) => void): TreeWalk {
  if ((tree.flags & ~PLAIN_FLAGS) !== 0) throw new LmdbFileFault(`${name} has the flags ${tree.flags}`);
  const walk = new TreeWalk(snapshot, tree, { name, order: BYTE_ORDER, childrenMin: 2, onEntry });
  walk.run();
  return walk;
}

/** The last commit made a root. Where none is of its transaction, the meta page is an old one with a number that is wrong. */
function checkLastCommit(meta: Meta, rootTransaction: number): void {
  if (rootTransaction === 0 && meta.lastPage === META_PAGES - 1) return;
  if (rootTransaction === meta.transaction) return;
  throw new LmdbFileFault(
    `meta page ${meta.page} says transaction ${meta.transaction}, and its trees end with transaction ${rootTransaction}: commits are missing`,
  );
}

/**
 * The older meta page may be torn: the power failed during a commit that nobody had been told of. But it may also lead to a whole
 * commit that is later than the newest: later-commit.ts tells how that comes about, and why its last page may be that of before.
 */
function laterCommit(file: PageFile, { newest, older }: Metas): LaterCommit | undefined {
  const transaction = newest.transaction + 1;
  if (older.main.root === newest.main.root && older.free.root === newest.free.root) return undefined;
  if (!rootsOf(older).some((root) => transactionOf(file, older.pageBytes, root) === transaction)) return undefined;
  const lastPage = Math.max(older.lastPage, newest.lastPage);
  const lastPageInFile = Math.floor(file.sizeBytes / older.pageBytes) - 1;
  try {
    const { highestPage } = checkSnapshot(file, { ...older, transaction, lastPage: Math.max(lastPage, lastPageInFile) });
    return { position: older.page * older.pageBytes, lastPage: Math.max(lastPage, highestPage), transaction };
  } catch (error) {
    if (error instanceof LmdbFileFault) return undefined;
    throw error;
  }
}

function laterFault(older: Meta, { transaction }: LaterCommit): string {
  return `meta page ${older.page} says transaction ${older.transaction}, and leads to a whole commit of transaction ${transaction}, which would be lost`;
}

function rootsOf(meta: Meta): number[] {
  return [meta.main.root, meta.free.root].filter((root) => root !== NO_PAGE);
}

/** 0 where there is no such page. */
function transactionOf(file: PageFile, pageBytes: number, page: number): number {
  if (!(page >= META_PAGES && (page + 1) * pageBytes <= file.sizeBytes)) return 0;
  const header = Buffer.alloc(HEADER_BYTES);
  file.read(header, page * pageBytes, HEADER_BYTES);
  return readNumber(header, 0) === page ? readNumber(header, 8) : 0;
}
