/**
 * How LMDB lays out its file, as lmdb-js 3.5 writes it (data version 2, little-endian, 64-bit; source: liblmdb/mdb.c of that
 * package). Upstream LMDB 0.9 has shorter page headers and cannot read such a file.
 *
 * The file is an array of pages. Pages 0 and 1 are meta pages; all others belong to a tree, hold one large value, or are free.
 *
 *   page      0       8            16    18     20     22     24
 *             | number | transaction | pad | flags | lower | upper | ...
 *
 *   branch    | u16 slots, growing up to lower ... free room ... nodes, growing down from the end to upper |
 *   and leaf  lower and upper count from byte 24; so does each slot, which says where its node starts. Nodes are packed
 *             without gaps and start at even bytes; slots are in key order, nodes are not.
 *
 *   node      0        4       6          8
 *             | u32     | flags | key size | key | data |      leaf: the u32 is the size of the value
 *             | child page, 48 bits | key size | key |         branch: the key of slot 0 is never looked at
 *
 *   large     a leaf node with the flag `large` has in place of the value | page | transaction | pages | (three u64);
 *   value     that run of pages starts with one page header (lower and upper together are the u32 count of pages) and goes on
 *             with the bytes of the value.
 *
 *   meta      24      28        32        40         48           96           144         152           160
 *             | magic | version | address | map size | free tree  | main tree  | last page | transaction | boot id
 *
 *   tree      0           4       6       8              16           24               32        40
 *             | page size | flags | depth | branch pages | leaf pages | pages of large | entries | root |
 *             (the page size stands in the free tree's record, the one of the main tree has 0 there)
 *
 * A commit of transaction N copies what it changes to free pages, up to the root, and then writes bytes 40 to 168 of meta page
 * N % 2. So both meta pages are always one transaction apart, no page is newer than its parent, and the last commit made at
 * least one root. The free tree maps a transaction to the pages that it freed: | count | count x i64 |, where 0 is an empty
 * place, a positive number is a page, and -n says that the next number is the first of n pages.
 */
export const HEADER_BYTES = 24;
export const NODE_BYTES = 8;
export const LARGE_VALUE_BYTES = 24;
export const TREE_RECORD_BYTES = 48;
export const META_BYTES = 168;
export const META_PAGES = 2;
/** Of the number of the last page in a meta page; the transaction stands behind it. */
export const LAST_PAGE_POSITION = HEADER_BYTES + 120;

export const MAGIC = 0xbeefc0de;
export const DATA_VERSION = 2;
/** LMDB keeps a cursor's way from the root to a leaf in an array of this length. */
export const DEPTH_MAX = 32;
export const PAGE_BYTES_MIN = 256;
export const PAGE_BYTES_MAX = 0x10000;

export const PageFlag = { branch: 1, leaf: 2, large: 4, meta: 8 } as const;
export const NodeFlag = { none: 0, large: 1, tree: 2 } as const;
/** Of a tree: keys are unsigned 64-bit numbers in the byte order of the machine. */
export const INTEGER_KEYS = 0x08;
/** Of the free tree: the environment's own flags, of which these may stand there (commit not yet flushed, a plain file). */
export const ENVIRONMENT_FLAGS = 0x1000 | 0x4000 | 0x0c00;

/** In place of the root page of an empty tree: all bits set. */
export const NO_PAGE = -1;

/** An unsigned 64-bit number. Those that no file can mean (above 2^53) come out as Infinity, all bits set as `NO_PAGE`. */
export function readNumber(bytes: Buffer, offset: number): number {
  const low = bytes.readUInt32LE(offset);
  const high = bytes.readUInt32LE(offset + 4);
  if (high < 0x20_0000) return high * 0x1_0000_0000 + low;
  return high === 0xffff_ffff && low === 0xffff_ffff ? NO_PAGE : Infinity;
}

/** What a meta page, or the record of a named database, says of a tree. */
export type TreeRecord = {
  readonly pageBytes: number;
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly largePages: number;
  readonly entries: number;
  readonly root: number;
};

export function readTreeRecord(bytes: Buffer, offset: number): TreeRecord {
  return {
    pageBytes: bytes.readUInt32LE(offset),
    flags: bytes.readUInt16LE(offset + 4),
    depth: bytes.readUInt16LE(offset + 6),
    branchPages: readNumber(bytes, offset + 8),
    leafPages: readNumber(bytes, offset + 16),
    largePages: readNumber(bytes, offset + 24),
    entries: readNumber(bytes, offset + 32),
    root: readNumber(bytes, offset + 40),
  };
}

/** Above this size, node header and key included, a value goes to pages of its own. */
export function nodeBytesMax(pageBytes: number): number {
  return (Math.floor((pageBytes - HEADER_BYTES) / 2) & -2) - 2;
}

/** Pages that a large value of so many bytes needs. */
export function largePages(valueBytes: number, pageBytes: number): number {
  return Math.floor((HEADER_BYTES - 1 + valueBytes) / pageBytes) + 1;
}
