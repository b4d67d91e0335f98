/**
 * What is known of the messages of one stream, a byte of state and a checksum each: a run holds millions.
 *
 * ```
 * state  | confirmed 1 | refused 2 | read 4 | read as new 8 | settled 16 |
 * ```
 */
export const CONFIRMED = 1;
export const REFUSED = 2;
export const READ = 4;
export const READ_NEW = 8;
export const SETTLED = 16;

const FIRST_CAPACITY = 64;

export class MessageStream {
  readonly publisher: number;
  readonly queue: string;
  /** Messages sent; sequences run from 1 to this. */
  count = 0;
  /** Confirmed, and no consumer is done with them. */
  outstanding = 0;
  /** When its channel ended; undefined while it may still send. */
  closedAtMs: number | undefined = undefined;
  #states = new Uint8Array(FIRST_CAPACITY);
  #checksums = new Uint32Array(FIRST_CAPACITY);

  constructor(publisher: number, queue: string) {
    this.publisher = publisher;
    this.queue = queue;
  }

  /** Notes a message as sent, before it is. */
  add(checksum: number): void {
    if (this.count === this.#states.length) {
      const states = new Uint8Array(2 * this.count);
      states.set(this.#states);
      this.#states = states;
      const checksums = new Uint32Array(2 * this.count);
      checksums.set(this.#checksums);
      this.#checksums = checksums;
    }
    this.#checksums[this.count++] = checksum;
  }

  has(sequence: number): boolean {
    return sequence >= 1 && sequence <= this.count;
  }

  state(sequence: number): number {
    return this.#states[sequence - 1] as number;
  }

  checksum(sequence: number): number {
    return this.#checksums[sequence - 1] as number;
  }

  /** Adds `flag`; answers what stood there before. */
  mark(sequence: number, flag: number): number {
    const before = this.state(sequence);
    const after = before | flag;
    this.#states[sequence - 1] = after;
    this.outstanding += isOutstanding(after) - isOutstanding(before);
    return before;
  }
}

function isOutstanding(state: number): number {
  return (state & (CONFIRMED | SETTLED)) === CONFIRMED ? 1 : 0;
}
