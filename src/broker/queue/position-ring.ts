const FIRST_CAPACITY = 16;

/** Positions, first in, first out: four bytes each, eight at most when it has just grown or shrunk. */
export class PositionRing {
  #words = new Int32Array(FIRST_CAPACITY);
  #first = 0;
  size = 0;

  push(position: number): void {
    if (this.size === this.#words.length) this.#resize(2 * this.size);
    this.#words[(this.#first + this.size) & (this.#words.length - 1)] = position;
    this.size++;
  }

  /** The one that has been there longest, without taking it. Only when `size` is not 0. */
  peek(): number {
    return this.#words[this.#first]!;
  }

  /** The one that `index` others are before. Only below `size`. */
  at(index: number): number {
    return this.#words[(this.#first + index) & (this.#words.length - 1)]!;
  }

  pop(): number {
    const position = this.#words[this.#first]!;
    this.#first = (this.#first + 1) & (this.#words.length - 1);
    this.size--;
    if (this.size * 4 <= this.#words.length && this.#words.length > FIRST_CAPACITY) this.#resize(this.#words.length / 2);
    return position;
  }

  clear(): void {
    this.#words = new Int32Array(FIRST_CAPACITY);
    this.#first = 0;
    this.size = 0;
  }

  #resize(capacity: number): void {
    const words = new Int32Array(capacity);
    const untilEnd = this.#words.subarray(this.#first, Math.min(this.#first + this.size, this.#words.length));
    words.set(untilEnd);
    if (untilEnd.length < this.size) words.set(this.#words.subarray(0, this.size - untilEnd.length), untilEnd.length);
    this.#words = words;
    this.#first = 0;
  }
}
