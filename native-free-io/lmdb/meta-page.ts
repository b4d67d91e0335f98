/** The two meta pages: which one LMDB will take, and whether it may be believed. */
import {
  DATA_VERSION, ENVIRONMENT_FLAGS, HEADER_BYTES, INTEGER_KEYS, MAGIC, META_BYTES, META_PAGES, PAGE_BYTES_MAX, PAGE_BYTES_MIN, PageFlag,
  readNumber, readTreeRecord, type TreeRecord,
} from './page-layout.ts';
import { LmdbFileFault, type PageFile } from './page-file.ts';

export type Meta = {
  /** 0 or 1. */
  readonly page: number;
  readonly pageBytes: number;
  readonly mapBytes: number;
  readonly free: TreeRecord;
  readonly main: TreeRecord;
  readonly lastPage: number;
  readonly transaction: number;
};

export type Metas = { readonly newest: Meta; readonly older: Meta };

/** Of the flags of the free tree: a commit that waits for its flush carries this one, so the two pages may differ in it. */
const UNFLUSHED = 0x1000;
/** No machine maps more: addresses have 47 bits. */
const MAP_BYTES_MAX = 2 ** 47;
const TRANSACTION_POSITION = HEADER_BYTES + 128;
const NUMBER_BYTES = 8;

/**
 * Reads both pages. Throws `LmdbFileFault` for what no crash and no power loss leaves behind: a commit rewrites all but the first
 * 40 bytes of one meta page, in one sector of the device. What a torn commit may have left in the older page is not judged here.
 */
export function readMetas(file: PageFile): Metas {
  const sizeBytes = file.sizeBytes;
  if (sizeBytes === 0) throw new LmdbFileFault(`${file.path} is empty`);
  const first = readMeta(file, 0, 0);
  if (first.pageBytes < PAGE_BYTES_MIN || first.pageBytes > PAGE_BYTES_MAX || (first.pageBytes & (first.pageBytes - 1)) !== 0) {
    throw new LmdbFileFault(`meta page 0 says that pages have ${first.pageBytes} bytes, which is no size of pages`);
  }
  const second = readMeta(file, 1, first.pageBytes);
  if (second.pageBytes !== first.pageBytes) {
    throw new LmdbFileFault(`meta page 1 says that pages have ${second.pageBytes} bytes, meta page 0 says ${first.pageBytes}`);
  }
  if (((first.free.flags ^ second.free.flags) & ~UNFLUSHED) !== 0) throw new LmdbFileFault('the flags of meta pages 0 and 1 differ');
  const metas = first.transaction >= second.transaction ? { newest: first, older: second } : { newest: second, older: first };
  checkNewest(metas.newest);
  checkNeighbours(metas);
  return metas;
}

/** The transactions of both meta pages, unchecked: they tell whether the file was written since they were read last. */
export function readTransactions(file: PageFile, pageBytes: number = readMeta(file, 0, 0).pageBytes): [number, number] {
  const number = Buffer.alloc(NUMBER_BYTES);
  const transactionAt = (position: number): number => {
    file.read(number, position + TRANSACTION_POSITION, NUMBER_BYTES);
    return readNumber(number, 0);
  };
  return [transactionAt(0), transactionAt(pageBytes)];
}

function readMeta(file: PageFile, page: number, position: number): Meta {
  const bytes = Buffer.alloc(META_BYTES);
  file.read(bytes, position, META_BYTES);
  if (readNumber(bytes, 0) !== page || bytes.readUInt16LE(18) !== PageFlag.meta) throw new LmdbFileFault(`page ${page} is not a meta page`);
  const magic = bytes.readUInt32LE(HEADER_BYTES);
  const version = bytes.readUInt32LE(HEADER_BYTES + 4);
  if (magic !== MAGIC) throw new LmdbFileFault(`meta page ${page} does not carry LMDB's mark`);
  if (version !== DATA_VERSION) throw new LmdbFileFault(`meta page ${page} has data version ${version}, not ${DATA_VERSION}`);
  if (readNumber(bytes, HEADER_BYTES + 8) !== 0) throw new LmdbFileFault(`meta page ${page} asks for a fixed address`);
  const free = readTreeRecord(bytes, HEADER_BYTES + 24);
  return {
    page,
    pageBytes: free.pageBytes,
    mapBytes: readNumber(bytes, HEADER_BYTES + 16),
    free,
    main: readTreeRecord(bytes, HEADER_BYTES + 72),
    lastPage: readNumber(bytes, HEADER_BYTES + 120),
    transaction: readNumber(bytes, TRANSACTION_POSITION),
  };
}

function checkNewest(meta: Meta): void {
  const broken = (what: string): never => {
    throw new LmdbFileFault(`meta page ${meta.page}, which is the newest: ${what}`);
  };
  if (meta.free.flags !== INTEGER_KEYS && (meta.free.flags & ~ENVIRONMENT_FLAGS) !== INTEGER_KEYS) broken(`the flags ${meta.free.flags} are unknown`);
  if (!(meta.mapBytes > 0 && meta.mapBytes < MAP_BYTES_MAX)) broken(`its size of the map is impossible`);
  if (!(meta.lastPage >= META_PAGES - 1 && meta.lastPage < MAP_BYTES_MAX / meta.pageBytes)) broken(`its last page is impossible`);
  if (!Number.isSafeInteger(meta.transaction) || meta.transaction < 0) broken('its transaction is impossible');
}

/** Transaction N writes page N % 2, from 1 on. A new file has transaction 0 on both. */
function checkNeighbours({ newest, older }: Metas): void {
  if (newest.transaction === 0) return;
  if (older.transaction === newest.transaction - 1 && newest.transaction % META_PAGES === newest.page) return;
  throw new LmdbFileFault(
    `meta page ${newest.page} says transaction ${newest.transaction}, meta page ${older.page} says ${older.transaction}: they are not neighbours, so one is wrong and commits may be missing`,
  );
}
