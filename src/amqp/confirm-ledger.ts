/**
 * Which publishes of one channel in confirm mode wait for which answer. Sequence numbers run from 1; each has as many
 * answers to come as queues that got it. When all have come, it is acknowledged; when one of them said no, it is refused.
 *
 * ```
 *   | pending | pending | ...     > 0: answers to come      0: acknowledged, not told      DONE: told
 *     sequence & mask             REFUSED is added when an answer said no
 * ```
 */
const RING_MIN = 64;
const REFUSED = 1 << 30;
const DONE = -1;

/** Unconfirmed publishes of a channel above which its connection stops reading until answers come. */
export const UNCONFIRMED_MAX = 262_144;

export interface ConfirmSink {
  /** basic.ack or, when refused, basic.nack. */
  confirm(sequence: number, multiple: boolean, refused: boolean): void;
}

export class ConfirmLedger {
  #ring = new Int32Array(RING_MIN);
  #mask = RING_MIN - 1;
  #oldest = 1;
  #next = 1;
  /** Answered out of turn since the last flush. */
  #early: number[] = [];

  /** Publishes that the client has heard nothing of. */
  get unconfirmed(): number {
    return this.#next - this.#oldest;
  }

  /** The next publish, which goes to `queues` queues; 0 is acknowledged at once. Answers its sequence number. */
  publish(queues: number): number {
    if (this.#next - this.#oldest > this.#mask) this.#grow();
    const sequence = this.#next++;
    this.#ring[sequence & this.#mask] = queues;
    if (queues === 0 && sequence !== this.#oldest) this.#early.push(sequence);
    return sequence;
  }

  /** One queue has answered for each of `count` publishes from the one whose number ends in the 32 bits of `firstLow`. */
  answer(firstLow: number, count: number, refused: boolean): void {
    const first = this.#oldest + ((firstLow - this.#oldest) | 0);
    for (let sequence = first; sequence < first + count; sequence++) {
      if (sequence < this.#oldest || sequence >= this.#next) continue;
      const slot = sequence & this.#mask;
      const pending = this.#ring[slot]!;
      if (pending === DONE || (pending & ~REFUSED) === 0) continue;
      const left = (pending - 1) | (refused ? REFUSED : 0);
      this.#ring[slot] = left;
      if ((left & ~REFUSED) === 0 && sequence !== this.#oldest) this.#early.push(sequence);
    }
  }

  /** The number of the last publish; 0 before the first. */
  get last(): number {
    return this.#next - 1;
  }

  /** What waits for an answer up to `last` is refused: no answer will come. */
  refuse(last: number): void {
    for (let sequence = this.#oldest; sequence <= last; sequence++) {
      const slot = sequence & this.#mask;
      const pending = this.#ring[slot]!;
      if (pending === DONE || (pending & ~REFUSED) === 0) continue;
      this.#ring[slot] = REFUSED;
      if (sequence !== this.#oldest) this.#early.push(sequence);
    }
  }

  /** Tells what is decided: one `multiple` acknowledgement as far as the row has no gap, single ones beyond. */
  flush(sink: ConfirmSink): void {
    let acknowledged = 0;
    while (this.#oldest < this.#next) {
      const pending = this.#ring[this.#oldest & this.#mask]!;
      if (pending === 0) acknowledged = this.#oldest;
      else if (pending === REFUSED) {
        if (acknowledged !== 0) sink.confirm(acknowledged, true, false);
        acknowledged = 0;
        sink.confirm(this.#oldest, false, true);
      } else if (pending !== DONE) break;
      this.#oldest++;
    }
    if (acknowledged !== 0) sink.confirm(acknowledged, this.#isMultiple(acknowledged), false);
    this.#told = this.#oldest;
    if (this.#early.length > 0) this.#tellEarly(sink);
  }

  /** Where the last flush left off: an acknowledgement of just the next one need not say `multiple`. */
  #told = 1;

  #isMultiple(sequence: number): boolean {
    return sequence !== this.#told;
  }

  #tellEarly(sink: ConfirmSink): void {
    for (const sequence of this.#early) {
      if (sequence < this.#oldest) continue;
      const slot = sequence & this.#mask;
      const pending = this.#ring[slot]!;
      if (pending === DONE) continue;
      this.#ring[slot] = DONE;
      sink.confirm(sequence, false, pending === REFUSED);
    }
    this.#early = [];
  }

  #grow(): void {
    const size = (this.#mask + 1) * 2;
    const larger = new Int32Array(size);
    for (let sequence = this.#oldest; sequence < this.#next; sequence++) {
      larger[sequence & (size - 1)] = this.#ring[sequence & this.#mask]!;
    }
    this.#ring = larger;
    this.#mask = size - 1;
  }
}
