/** A set of pages, one bit for each: 32 KiB for a gigabyte of pages of 4 KiB. */
export class PageSet {
  readonly #first: number;
  readonly #words: Uint32Array;
  #size = 0;
  #highest = -1;

  /** Of the pages from `first` to before `end`. */
  constructor(first: number, end: number) {
    this.#first = first;
    this.#words = new Uint32Array(Math.ceil(Math.max(0, end - first) / 32));
  }

  get size(): number {
    return this.#size;
  }

  /** -1 when it is empty. */
  get highest(): number {
    return this.#highest;
  }

  /** False when the page was there already. The page must be one of those that the set is made for. */
  add(page: number): boolean {
    const index = page - this.#first;
    const word = index >>> 5;
    const bit = 1 << (index & 31);
    const before = this.#words[word]!;
    if ((before & bit) !== 0) return false;
    this.#words[word] = before | bit;
    if (page > this.#highest) this.#highest = page;
    this.#size++;
    return true;
  }
}
