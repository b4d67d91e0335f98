/**
 * The bytes between chunks: what a parser could not take yet, kept until more comes. A chunk is never copied whole for
 * the sake of a few bytes before it: only as much of it joins them as is needed to get past them.
 */

/** Bytes of a new chunk that join the kept ones at first; doubled while that is not enough. */
const STEP_BYTES = 2048;

export type Parse = (buffer: Buffer, start: number, end: number) => number;

const EMPTY = Buffer.alloc(0);

export class Carry {
  #kept: Buffer = EMPTY;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Gives `parse` the kept bytes and then the chunk's; what it leaves is kept. `parse` answers where the rest begins. */
  feed(chunk: Buffer, length: number, parse: Parse): void {
    let start = 0;
    while (this.#size > 0) {
      const kept = this.#size;
      const taken = Math.min(length - start, Math.max(STEP_BYTES, kept));
      this.#append(chunk, start, start + taken);
      start += taken;
      const rest = parse(this.#kept, 0, this.#size);
      if (rest >= kept) {
        // Past the kept bytes: the rest is still in the chunk.
        start -= this.#size - rest;
        this.#drop();
        break;
      }
      this.#shift(rest);
      if (start === length) return;
    }
    if (start === length) return;
    const rest = parse(chunk, start, length);
    if (rest < length) this.#append(chunk, rest, length);
  }

  /** Gives `parse` the kept bytes again: what held it back is over. */
  retry(parse: Parse): void {
    if (this.#size === 0) return;
    const rest = parse(this.#kept, 0, this.#size);
    this.#shift(rest);
  }

  clear(): void {
    this.#drop();
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const size = this.#size + end - start;
    if (this.#kept.length < size) {
      const larger = Buffer.allocUnsafeSlow(Math.max(256, 2 ** Math.ceil(Math.log2(size))));
      this.#kept.copy(larger, 0, 0, this.#size);
      this.#kept = larger;
    }
    chunk.copy(this.#kept, this.#size, start, end);
    this.#size = size;
  }

  #shift(by: number): void {
    if (by === this.#size) return this.#drop();
    this.#kept.copyWithin(0, by, this.#size);
    this.#size -= by;
  }

  /** A large buffer is not kept for an idle connection. */
  #drop(): void {
    this.#size = 0;
    if (this.#kept.length > 4 * STEP_BYTES) this.#kept = EMPTY;
  }
}
