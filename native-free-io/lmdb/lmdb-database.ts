import { open } from 'lmdb';
import type { RootDatabase } from 'lmdb';

/** lmdb as the store uses it, with what it offers and its types do not show. */

export type LmdbDatabase = RootDatabase<Uint8Array, Uint8Array> & {
  readonly env: {
    /** Flushes the file; returns when it is done. */
    sync(): void;
    /** `pageFlushes`: how often pages were written in full, by commits that came that far. */
    info(): { readonly pageFlushes: number; readonly lastPageNumber: number };
    stat(): DatabaseTree;
  };
};

export type DatabaseTree = {
  readonly pageSize: number;
  readonly entryCount: number;
  readonly treeDepth: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
};

export type DatabaseStats = DatabaseTree & { readonly free: DatabaseTree; readonly lastPageNumber: number };

/** Pages at the start of the file that belong to no tree. */
export const META_PAGES = 2;

export function openDatabase(path: string, flushed: boolean, mapSizeBytes: number): LmdbDatabase {
  const settings = {
    noSubdir: true,
    maxDbs: 1,
    mapSize: mapSizeBytes,
    keyEncoding: 'binary',
    encoding: 'binary',
    overlappingSync: false,
    noSync: !flushed,
    // Counters, among them `pageFlushes`.
    trackMetrics: true,
  } as const;
  return open<Uint8Array, Uint8Array>(path, settings) as LmdbDatabase;
}

/** Branches, leaves, and the pages that large values have of their own. */
export function pagesOf(tree: DatabaseTree): number {
  return tree.treeBranchPageCount + tree.treeLeafPageCount + tree.overflowPages;
}
