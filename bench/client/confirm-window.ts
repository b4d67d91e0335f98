/**
 * Which publishes are not confirmed yet. Delivery tags count from 1 without gaps; a broker may confirm them one by one, in any
 * order, or all up to one (multiple=true). A ring of one byte per outstanding tag remembers those that came early.
 *
 *   ... settled | low+1 ... settled early or open ... | highest |
 */
import { nowNs } from './clock.ts';

export class ConfirmWindow {
  readonly #limit: number;
  readonly #confirmedAfter: ((latencyNs: number) => void) | undefined;
  /** When each outstanding tag was published, by its place in the ring; empty where nobody wants to know. */
  readonly #publishedNs: Float64Array;
  readonly #early: Uint8Array;
  /** Every tag up to this one is settled. */
  #low = 0;
  #highest = 0;
  #open = 0;
  /** Publishes that the broker has settled, by ack or by nack. */
  settled = 0;
  /** Of those, by nack. */
  refused = 0;

  /** `limit`: how many publishes may be outstanding. `confirmedAfter` hears of each how long it took. */
  constructor(limit: number, confirmedAfter?: (latencyNs: number) => void) {
    this.#limit = limit;
    this.#early = new Uint8Array(limit);
    this.#confirmedAfter = confirmedAfter;
    this.#publishedNs = new Float64Array(confirmedAfter === undefined ? 0 : limit);
  }

  /** How many more may be published now. The span counts, not the number of open tags: the ring is as long as the limit. */
  get room(): number {
    return this.#limit - (this.#highest - this.#low);
  }

  get outstanding(): number {
    return this.#open;
  }

  /** Takes the next `count` tags. Throws a RangeError when they do not fit. */
  publish(count: number): void {
    if (count > this.room) throw new RangeError(`${count} publishes where ${this.room} may be outstanding`);
    if (this.#confirmedAfter !== undefined) {
      const timeNs = nowNs();
      for (let tag = this.#highest + 1; tag <= this.#highest + count; tag += 1) this.#publishedNs[tag % this.#limit] = timeNs;
    }
    this.#highest += count;
    this.#open += count;
  }

  /** A basic.ack or basic.nack of the broker. Throws for a tag that was never published. */
  settle(tag: number, multiple: boolean, refused: boolean): void {
    if (tag > this.#highest) throw new RangeError(`a confirm of ${tag} where ${this.#highest} is the highest`);
    let count = 0;
    const timeNs = this.#confirmedAfter === undefined ? 0 : nowNs();
    if (multiple) {
      while (this.#low < tag) {
        this.#low += 1;
        if (this.#early[this.#low % this.#limit] === 0) {
          count += 1;
          this.#confirmedAfter?.(timeNs - (this.#publishedNs[this.#low % this.#limit] as number));
        }
        this.#early[this.#low % this.#limit] = 0;
      }
    } else if (tag > this.#low && this.#early[tag % this.#limit] === 0) {
      this.#early[tag % this.#limit] = 1;
      count = 1;
      this.#confirmedAfter?.(timeNs - (this.#publishedNs[tag % this.#limit] as number));
    }
    while (this.#low < this.#highest && this.#early[(this.#low + 1) % this.#limit] === 1) {
      this.#low += 1;
      this.#early[this.#low % this.#limit] = 0;
    }
    this.settled += count;
    this.#open -= count;
    if (refused) this.refused += count;
  }
}
