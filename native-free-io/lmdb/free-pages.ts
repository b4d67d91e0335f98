/**
 * The lists of free pages. LMDB writes new data where they say: a page that is in use and in a list as well would be overwritten
 * while something leads to it, and a list that lies about its length makes LMDB read beyond it.
 */
import { HEADER_BYTES, META_PAGES, NodeFlag } from './page-layout.ts';
import { LmdbFileFault } from './page-file.ts';
import { PageSet } from './page-set.ts';
import type { Snapshot } from './tree-walk.ts';
import type { TreePage } from './tree-page.ts';

/** Pages that a transaction took and let go again at the end of the file are free and were never written. At most this many. */
export const UNWRITTEN_PAGES_MAX = 0x10_0000;
const NUMBER_BYTES = 8;
const CHUNK_BYTES = 0x1_0000;

export class FreePages {
  readonly #snapshot: Snapshot;
  readonly #filePages: number;
  readonly #lastPage: number;
  readonly #unwritten: PageSet;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);

  /** Marks what it finds as used. Throws `LmdbFileFault` when the last page is far beyond the file. */
  constructor(snapshot: Snapshot, filePages: number, lastPage: number) {
    this.#snapshot = snapshot;
    this.#filePages = filePages;
    this.#lastPage = lastPage;
    if (lastPage - filePages > UNWRITTEN_PAGES_MAX) {
      throw new LmdbFileFault(`the last page is said to be ${lastPage}, and the file ends after ${filePages} pages`);
    }
    this.#unwritten = new PageSet(filePages, lastPage + 1);
  }

  /** Of those that are free, the ones beyond the end of the file. */
  get unwrittenCount(): number {
    return this.#unwritten.size;
  }

  /** Checks the list in a node of the free tree. Throws `LmdbFileFault`. */
  readList(page: TreePage, index: number): void {
    const valueBytes = page.valueBytes(index);
    if (page.flags(index) === NodeFlag.tree || valueBytes < NUMBER_BYTES) page.fault(`node ${index} is no list of free pages`);
    const numbers = this.#numbers(page, index, Math.floor(valueBytes / NUMBER_BYTES));
    const { value: count } = numbers.next();
    if (!(count !== undefined && count >= 0 && count < valueBytes / NUMBER_BYTES)) page.fault(`node ${index} says that its list has ${count} numbers`);
    let run = 0;
    for (let taken = 0; taken < count; taken++) {
      const { value: number = Number.NaN } = numbers.next();
      if (run === 0 && number <= 0) {
        run = -number;
        continue;
      }
      this.#take(page, index, number, Math.max(1, run));
      run = 0;
    }
    if (run !== 0) page.fault(`node ${index}: its list of free pages ends in the middle of a run`);
  }

  #take(page: TreePage, index: number, first: number, count: number): void {
    if (!(first >= META_PAGES && first + count - 1 <= this.#lastPage)) {
      page.fault(`node ${index} says that page ${first} is free${count === 1 ? '' : `, and ${count - 1} after it`}`);
    }
    for (let free = first; free < first + count; free++) {
      const set = free < this.#filePages ? this.#snapshot.used : this.#unwritten;
      if (!set.add(free)) page.fault(`node ${index} says that page ${free} is free, which is in use or was free before`);
    }
  }

  /** The numbers of the list, from the page itself or from pages of its own. */
  *#numbers(page: TreePage, index: number, count: number): Generator<number, undefined> {
    if (page.flags(index) !== NodeFlag.large) {
      const start = page.keyEnd(index);
      for (let at = 0; at < count; at++) yield readSigned(page.bytes, start + at * NUMBER_BYTES);
      return;
    }
    const start = page.largeValue(index).page * this.#snapshot.pageBytes + HEADER_BYTES;
    for (let done = 0; done < count; ) {
      const batch = Math.min(count - done, CHUNK_BYTES / NUMBER_BYTES);
      this.#snapshot.file.read(this.#chunk, start + done * NUMBER_BYTES, batch * NUMBER_BYTES);
      for (let at = 0; at < batch; at++) yield readSigned(this.#chunk, at * NUMBER_BYTES);
      done += batch;
    }
  }
}

/** Rounded above 2^53, where every number is out of bounds anyway. */
function readSigned(bytes: Buffer, offset: number): number {
  return bytes.readInt32LE(offset + 4) * 0x1_0000_0000 + bytes.readUInt32LE(offset);
}
