/**
 * What memory knows of a segment on the disk: some numbers, a bit a message once one of them is settled, and two bytes a message once
 * one came back. Ten million messages of 100 bytes lie in 9,766 segments of 1,024: 1.5 MB, 3 MB more when each is partly settled, and
 * 22 MB more when in each something came back.
 */

/** Messages of a segment. */
export const SEGMENT_MESSAGES_MAX = 1024;
/** Bytes of a segment's contents. A larger message is a segment by itself. */
export const SEGMENT_BYTES_MAX = 256 * 1024;
/** Numbers from the first to the last message of a segment: bounds the bits of one that has holes. Fits a u16. */
export const SEGMENT_SPAN_MAX = 8192;
/** Deliveries of a message are counted up to here. Fits a u16. */
export const DELIVERIES_MAX = 0xffff;

/** Shared segments, and how many messages of a segment have their body there. */
export type References = ReadonlyMap<Segment, number>;

export const NO_REFERENCES: References = new Map();

export class Segment {
  readonly first: number;
  readonly span: number;
  readonly count: number;
  readonly shape: number;
  /** Messages that are not settled; of shared bodies: messages that refer to them. */
  live: number;
  /** Bytes of the contents, -1 until they are known. */
  bytes = -1;
  references: References = NO_REFERENCES;
  /** It changed since the last commit. */
  dirty = false;
  /** A state record stands on the disk. */
  stateWritten = false;
  /** It is no longer on the disk. */
  removed = false;
  /** A bit each number of the span: settled, or never a message. None yet: all are messages. */
  #gone: Uint32Array | undefined;
  #deliveries: Uint16Array | undefined;

  constructor(first: number, count: number, span: number, shape: number) {
    this.first = first;
    this.count = count;
    this.span = span;
    this.shape = shape;
    this.live = count;
  }

  get end(): number {
    return this.first + this.span;
  }

  /** Whether it is known which numbers of the span are messages. A segment with holes has to `learn` it from its index. */
  get known(): boolean {
    return this.#gone !== undefined || this.count === this.span;
  }

  get gone(): Uint32Array {
    this.#gone ??= new Uint32Array((this.span + 31) >>> 5);
    return this.#gone;
  }

  /** Takes over bits of a state record, or of what this segment replaces; what lies beyond them stays as it is. */
  adopt(gone: Uint32Array): void {
    for (let word = 0; word < gone.length; word++) this.gone[word]! |= gone[word]!;
  }

  /** Marks what is none of the first `count` offsets as holes. */
  learn(offsets: Uint16Array, count: number): void {
    const gone = this.gone.fill(-1);
    if ((this.span & 31) !== 0) gone[gone.length - 1] = -1 >>> -this.span;
    for (let row = 0; row < count; row++) gone[offsets[row]! >>> 5]! &= ~(1 << (offsets[row]! & 31));
  }

  /** Whether a message stands at `offset` that is not settled. */
  holds(offset: number): boolean {
    if (offset < 0 || offset >= this.span) return false;
    return this.#gone === undefined || (this.#gone[offset >>> 5]! & (1 << (offset & 31))) === 0;
  }

  /** Settles what lies at offsets from `from` on and before `to`. Answers how many were not settled before. */
  settle(from: number, to: number): number {
    const begin = Math.max(from, 0);
    const end = Math.min(to, this.span);
    if (begin >= end) return 0;
    const { gone } = this;
    const lastWord = (end - 1) >>> 5;
    let fresh = 0;
    for (let word = begin >>> 5; word <= lastWord; word++) {
      const low = word === begin >>> 5 ? begin & 31 : 0;
      const high = word === lastWord ? (end - 1) & 31 : 31;
      const mask = (-1 << low) & (-1 >>> (31 - high)) & ~gone[word]!;
      gone[word]! |= mask;
      fresh += bitsOf(mask);
    }
    this.live -= fresh;
    return fresh;
  }

  /** The number behind the last one that is not settled. */
  get liveEnd(): number {
    let offset = this.span;
    while (offset > 0 && !this.holds(offset - 1)) offset--;
    return this.first + offset;
  }

  deliveriesAt(offset: number): number {
    return this.#deliveries?.[offset] ?? 0;
  }

  setDeliveries(offset: number, deliveries: number): void {
    this.#deliveries ??= new Uint16Array(this.span);
    this.#deliveries[offset] = Math.min(Math.max(deliveries, 0), DELIVERIES_MAX);
  }

  get deliveries(): Uint16Array | undefined {
    return this.#deliveries;
  }
}

export function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
