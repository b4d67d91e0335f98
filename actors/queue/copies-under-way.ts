/**
 * Dead letters that were sent and not confirmed by all their queues: as many as fit a window. Each has a sequence number; the answers come
 * as runs of them. With the last one the message that died is buried.
 *
 * ```
 *   | position | answers to come | bytes | position | ...
 *     sequence & mask
 * ```
 */
/** Letters under way at most, and bytes of them. */
export const COPIES_MAX = 16_384;
export const COPY_BYTES_MAX = 32 * 1024 * 1024;
const ENTRY_WORDS = 3;
const FIRST_ENTRIES = 64;

export class CopiesUnderWay {
  readonly #bury: (position: number) => void;
  #words = new Int32Array(FIRST_ENTRIES * ENTRY_WORDS);
  #mask = FIRST_ENTRIES - 1;
  /** Wrapping int32; 0 is nobody's number. */
  #oldest: number;
  #next: number;
  #bytes = 0;

  /** `bury` is told of each message whose letters are all answered for. */
  constructor(bury: (position: number) => void, first = 1) {
    this.#bury = bury;
    this.#oldest = this.#next = first;
  }

  get isFull(): boolean {
    return ((this.#next - this.#oldest) | 0) >= COPIES_MAX || this.#bytes >= COPY_BYTES_MAX;
  }

  get isEmpty(): boolean {
    return this.#next === this.#oldest;
  }

  /** The number of the next letter. */
  get next(): number {
    return this.#next;
  }

  /** A letter of `bytes` is on its way to so many queues, at least one. */
  add(position: number, answers: number, bytes: number): void {
    if (((this.#next - this.#oldest) | 0) > this.#mask) this.#grow();
    const at = (this.#next & this.#mask) * ENTRY_WORDS;
    this.#words[at] = position;
    this.#words[at + 1] = answers;
    this.#words[at + 2] = bytes;
    this.#bytes += bytes;
    this.#advance();
  }

  #advance(): void {
    this.#next = (this.#next + 1) | 0;
    if (this.#next !== 0) return;
    if (((this.#next - this.#oldest) | 0) > this.#mask) this.#grow();
    this.#words[1] = 0;
    this.#next = 1;
  }

  /** A queue has answered for `count` letters from `first` on. Whoever refuses has answered. */
  answered(first: number, count: number): void {
    const words = this.#words;
    for (let index = 0; index < count; index++) {
      const sequence = (first + index) | 0;
      if (((sequence - this.#oldest) | 0) < 0 || ((this.#next - sequence) | 0) <= 0) continue;
      const at = (sequence & this.#mask) * ENTRY_WORDS;
      if (words[at + 1] === 0 || --words[at + 1]! > 0) continue;
      this.#bytes -= words[at + 2]!;
      this.#bury(words[at]!);
    }
    while (this.#oldest !== this.#next && words[((this.#oldest & this.#mask) * ENTRY_WORDS) + 1] === 0) this.#oldest = (this.#oldest + 1) | 0;
  }

  /** No answer to any of them counts any more. Answers the positions that wait for one, in the order of their letters. */
  forget(): number[] {
    const waiting: number[] = [];
    for (; this.#oldest !== this.#next; this.#oldest = (this.#oldest + 1) | 0) {
      const at = (this.#oldest & this.#mask) * ENTRY_WORDS;
      if (this.#words[at + 1]! > 0) waiting.push(this.#words[at]!);
    }
    this.#bytes = 0;
    return waiting;
  }

  #grow(): void {
    const entries = (this.#mask + 1) * 2;
    const larger = new Int32Array(entries * ENTRY_WORDS);
    for (let sequence = this.#oldest; sequence !== this.#next; sequence = (sequence + 1) | 0) {
      const from = (sequence & this.#mask) * ENTRY_WORDS;
      const to = (sequence & (entries - 1)) * ENTRY_WORDS;
      for (let word = 0; word < ENTRY_WORDS; word++) larger[to + word] = this.#words[from + word]!;
    }
    this.#words = larger;
    this.#mask = entries - 1;
  }
}
