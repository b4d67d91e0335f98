/** How many pages a commit may need at the end of the file, at most: those that are free already would spare it some of them. */
import { LARGE_VALUE_BYTES, NODE_BYTES, largePages, nodeBytesMax } from './page-layout.ts';

export type PageChange = { readonly key: Uint8Array; readonly value: Uint8Array | undefined };

/** What there is before the commit. */
export type PageCounts = {
  readonly pageSize: number;
  readonly treeDepth: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly lastPageNumber: number;
};

/** A page that is split is left half full at least, so nodes fill new pages to a quarter at the very least. */
const NEW_PAGES_FILL = 4;
/**
 * The lists of free pages: a number of eight bytes for each page, in the list of what this commit frees, and in the older lists,
 * which LMDB may write together as one with a third of its places empty.
 */
const PAGES_OF_A_LIST_PAGE = 128;
/** The pages that lead to those lists, new levels of the trees, and what a commit tries and gives up again. */
const SPARE_PAGES = 32;

export function pagesOfCommit(changes: readonly PageChange[], counts: PageCounts): number {
  const { pageSize } = counts;
  let pages = 0;
  let nodeBytes = 0;
  for (const { key, value } of changes) {
    if (value === undefined) continue;
    const sizeBytes = NODE_BYTES + key.length + value.length;
    if (sizeBytes > nodeBytesMax(pageSize)) {
      pages += largePages(value.length, pageSize);
      nodeBytes += NODE_BYTES + key.length + LARGE_VALUE_BYTES;
    } else nodeBytes += sizeBytes;
  }
  // Each page of the tree that is changed is written elsewhere, and may be split in two.
  const leaves = Math.min(changes.length, counts.treeLeafPageCount);
  const branches = Math.min(changes.length * counts.treeDepth, counts.treeBranchPageCount);
  const fresh = Math.ceil((NEW_PAGES_FILL * nodeBytes) / pageSize);
  return pages + 2 * (leaves + branches) + fresh + Math.ceil(counts.lastPageNumber / PAGES_OF_A_LIST_PAGE) + SPARE_PAGES;
}
