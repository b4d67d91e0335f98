/**
 * A walk through one tree from its root, in key order, over every branch and leaf page. It believes nothing: each page is visited
 * once at most, stands in the file, is no newer than its parent, and holds keys that rise over the whole tree and keep within
 * what the branches promise, so that every search finds what the walk found. In the end the counts must be those of the record.
 */
import {
  DEPTH_MAX, HEADER_BYTES, META_PAGES, NO_PAGE, NodeFlag, PageFlag, readNumber, type TreeRecord,
} from './page-layout.ts';
import type { KeyOrder } from './key-order.ts';
import type { PageSet } from './page-set.ts';
import { LmdbFileFault, type PageFile } from './page-file.ts';
import { TreePage } from './tree-page.ts';

/** What the walks of one snapshot share. */
export type Snapshot = {
  readonly file: PageFile;
  readonly pageBytes: number;
  /** Pages from here on are not in the file, or not in the snapshot. */
  readonly endPage: number;
  readonly transaction: number;
  /** Pages that some tree uses. */
  readonly used: PageSet;
};

export type WalkOptions = {
  /** For sentences: `the main tree`. */
  readonly name: string;
  readonly order: KeyOrder;
  /** LMDB aborts on a branch with one child, except in the free tree. */
  readonly childrenMin: number;
  readonly onEntry?: (page: TreePage, index: number) => void;
};

const KEY_BYTES_MAX = 0x8000;

export class TreeWalk {
  readonly #snapshot: Snapshot;
  readonly #tree: TreeRecord;
  readonly #options: WalkOptions;
  readonly #levels: TreePage[] = [];
  readonly #header = Buffer.alloc(HEADER_BYTES);
  /** The last key that the walk came by, of a leaf or a branch. */
  readonly #last = Buffer.alloc(KEY_BYTES_MAX);
  #lastBytes = 0;
  /** The last key stood in a branch: the next one of a leaf may be the same. */
  #lastPromised = false;
  #branchPages = 0;
  #leafPages = 0;
  #largePages = 0;
  #entries = 0;
  /** Transaction of the root page; 0 of an empty tree. */
  rootTransaction = 0;

  constructor(snapshot: Snapshot, tree: TreeRecord, options: WalkOptions) {
    this.#snapshot = snapshot;
    this.#tree = tree;
    this.#options = options;
  }

  /** Throws `LmdbFileFault`. */
  run(): void {
    const { root, depth } = this.#tree;
    if (depth > DEPTH_MAX) this.#fault(`says that it is ${depth} pages deep`);
    if ((root === NO_PAGE) !== (depth === 0)) this.#fault(`says that it is ${depth} pages deep, with root page ${root}`);
    if (root !== NO_PAGE) this.#visit(root, 0, this.#snapshot.transaction);
    this.#expect('branch pages', this.#branchPages, this.#tree.branchPages);
    this.#expect('leaf pages', this.#leafPages, this.#tree.leafPages);
    this.#expect('pages of large values', this.#largePages, this.#tree.largePages);
    this.#expect('entries', this.#entries, this.#tree.entries);
  }

  #visit(number: number, level: number, newest: number): void {
    this.#take(number, 1);
    const leaf = level === this.#tree.depth - 1;
    const page = (this.#levels[level] ??= new TreePage(this.#snapshot.pageBytes));
    page.load(this.#snapshot.file, number, leaf);
    if (!(page.transaction >= 1 && page.transaction <= newest)) {
      page.fault(`it is of transaction ${page.transaction}, what leads to it of ${newest}`);
    }
    if (level === 0) this.rootTransaction = page.transaction;
    if (leaf) this.#visitLeaf(page);
    else this.#visitBranch(page, level);
  }

  #visitBranch(page: TreePage, level: number): void {
    if (page.count < this.#options.childrenMin) page.fault(`it has ${page.count} child`);
    this.#branchPages++;
    for (let index = 0; index < page.count; index++) {
      if (index > 0) this.#pass(page, index, true);
      this.#visit(page.child(index), level + 1, page.transaction);
    }
  }

  #visitLeaf(page: TreePage): void {
    this.#leafPages++;
    this.#entries += page.count;
    for (let index = 0; index < page.count; index++) {
      if (index === 0) this.#pass(page, index, false);
      else this.#passWithin(page, index);
      if (page.flags(index) === NodeFlag.large) this.#checkLarge(page, index);
      this.#options.onEntry?.(page, index);
    }
    this.#remember(page, page.count - 1, false);
  }

  /** The next key of the walk: above the one before, or the same when that was the promise of the branch above. */
  #pass(page: TreePage, index: number, promise: boolean): void {
    this.#checkKeySize(page, index);
    const { order } = this.#options;
    const above = order.compare(page.bytes, page.keyStart(index), page.keyEnd(index), this.#last, 0, this.#lastBytes);
    const rises = this.#lastBytes === 0 || above > 0 || (above === 0 && this.#lastPromised && !promise);
    if (!rises) page.fault(`the key of node ${index} does not come after the one before`);
    this.#remember(page, index, promise);
  }

  #passWithin(page: TreePage, index: number): void {
    this.#checkKeySize(page, index);
    const { order } = this.#options;
    const { bytes } = page;
    if (order.compare(bytes, page.keyStart(index), page.keyEnd(index), bytes, page.keyStart(index - 1), page.keyEnd(index - 1)) <= 0) {
      page.fault(`the key of node ${index} does not come after the one before`);
    }
  }

  #checkKeySize(page: TreePage, index: number): void {
    const { keyBytes } = this.#options.order;
    const size = page.keyEnd(index) - page.keyStart(index);
    if (keyBytes !== 0 && size !== keyBytes) page.fault(`the key of node ${index} has ${size} bytes`);
  }

  #remember(page: TreePage, index: number, promise: boolean): void {
    this.#lastBytes = page.bytes.copy(this.#last, 0, page.keyStart(index), page.keyEnd(index));
    this.#lastPromised = promise;
  }

  /** The header of the run only: LMDB frees by what stands there, and the value has a checksum of its own. */
  #checkLarge(page: TreePage, index: number): void {
    const large = page.largeValue(index);
    this.#take(large.page, large.pages);
    this.#largePages += large.pages;
    const header = this.#header;
    this.#snapshot.file.read(header, large.page * this.#snapshot.pageBytes, HEADER_BYTES);
    const sound =
      readNumber(header, 0) === large.page &&
      readNumber(header, 8) === large.transaction &&
      header.readUInt16LE(18) === PageFlag.large &&
      header.readUInt32LE(20) === large.pages &&
      large.transaction >= 1 &&
      large.transaction <= page.transaction;
    if (!sound) page.fault(`node ${index} has its value on page ${large.page}, which is not the beginning of it`);
  }

  #take(first: number, count: number): void {
    const { used, endPage } = this.#snapshot;
    if (!(first >= META_PAGES && count >= 1 && first + count <= endPage)) {
      this.#fault(`leads to page ${first}${count === 1 ? '' : ` and ${count - 1} after it`}, outside of pages ${META_PAGES} to ${endPage - 1}`);
    }
    for (let page = first; page < first + count; page++) {
      if (!used.add(page)) this.#fault(`leads to page ${page}, which is in use elsewhere`);
    }
  }

  #expect(what: string, found: number, said: number): void {
    if (found !== said) this.#fault(`says that it has ${said} ${what}, and has ${found}`);
  }

  #fault(what: string): never {
    throw new LmdbFileFault(`${this.#options.name} ${what}`);
  }
}
