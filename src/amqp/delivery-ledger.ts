/**
 * What one channel has delivered and not yet seen settled: delivery tag to queue and position. Tags run from 1 upwards
 * without gaps, so a ring indexed by tag holds them in two words each:
 *
 * ```
 *      | link, position | link, position | ...      link 0: settled, or a delivery that needs no acknowledgement
 *        tag & mask
 * ```
 *
 * A few old deliveries must not keep the ring growing while millions pass them: when it would grow beyond RING_TAGS_MAX,
 * the oldest move to a map.
 */
const RING_TAGS_MIN = 64;
const RING_TAGS_MAX = 65_536;

/** Called for each delivery that a settle covers, oldest first. */
export type Settled = (link: number, position: number, tag: number) => void;

export class DeliveryLedger {
  #ring = NO_RING;
  #mask = -1;
  /** Oldest tag in the ring; all below are settled or stragglers. */
  #oldest = 1;
  /** The next tag to give out. */
  #next = 1;
  #stragglers: Map<number, { readonly link: number; readonly position: number }> | undefined = undefined;
  #count = 0;

  /** Deliveries not settled. */
  get count(): number {
    return this.#count;
  }

  get lastTag(): number {
    return this.#next - 1;
  }

  /** The tag that has been out longest, or one that is nearly as old. Only when there is one. */
  get oldestTag(): number {
    const straggler = this.#stragglers?.keys().next().value ?? Infinity;
    return this.#inRing > 0 ? Math.min(this.#oldest, straggler) : straggler;
  }

  /** Calls `visit` for each delivery that is not settled, until it answers true. */
  some(visit: (link: number, tag: number) => boolean): boolean {
    for (const [tag, { link }] of this.#stragglers ?? []) if (visit(link, tag)) return true;
    for (let tag = this.#oldest; tag < this.#next; tag++) {
      const link = this.#ring[(tag & this.#mask) * 2] ?? 0;
      if (link !== 0 && visit(link, tag)) return true;
    }
    return false;
  }

  /** Gives the next delivery its tag. `link` is the queue's number at this connection, not 0. */
  record(link: number, position: number): number {
    const tag = this.#next;
    if (tag - this.#oldest > this.#mask) this.#makeRoom();
    this.#next = tag + 1;
    const slot = (tag & this.#mask) * 2;
    this.#ring[slot] = link;
    this.#ring[slot + 1] = position;
    this.#count++;
    return tag;
  }

  /** Gives out a tag for a delivery that needs no acknowledgement: settling it is an error. */
  pass(): number {
    const tag = this.#next++;
    if (this.#count === 0) this.#oldest = this.#next;
    else if (this.#inRing > 0) {
      // A tag between others needs its place in the ring, marked as settled.
      this.#next = tag;
      const passed = this.record(0, 0);
      this.#count--;
      return passed;
    } else this.#oldest = this.#next;
    return tag;
  }

  get #inRing(): number {
    return this.#count - (this.#stragglers?.size ?? 0);
  }

  /**
   * Settles `tag`, or with `multiple` every tag up to it (0: every tag there is). Answers false when the tag is unknown,
   * and then settles nothing.
   */
  settle(tag: number, multiple: boolean, settled: Settled): boolean {
    if (!multiple) return this.#settleOne(tag, settled);
    if (tag === 0) {
      this.#settleUpTo(this.#next - 1, settled);
      return true;
    }
    if (tag >= this.#next || !this.#coversAnything(tag)) return false;
    this.#settleUpTo(tag, settled);
    return true;
  }

  /** Takes a settled tag back among the unsettled: a transaction was rolled back. */
  restore(tag: number, link: number, position: number): void {
    this.#stragglers ??= new Map();
    this.#stragglers.set(tag, { link, position });
    this.#count++;
  }

  #coversAnything(tag: number): boolean {
    if (tag >= this.#oldest && this.#inRing > 0) return true;
    for (const straggler of this.#stragglers?.keys() ?? []) if (straggler <= tag) return true;
    return false;
  }

  #settleOne(tag: number, settled: Settled): boolean {
    if (tag < this.#oldest || tag >= this.#next) return this.#settleStraggler(tag, settled);
    const slot = (tag & this.#mask) * 2;
    const link = this.#ring[slot]!;
    // A tag that a rollback restored is not in the ring, even when its neighbours are.
    if (link === 0) return this.#settleStraggler(tag, settled);
    this.#ring[slot] = 0;
    this.#count--;
    settled(link, this.#ring[slot + 1]!, tag);
    if (tag === this.#oldest) this.#skipSettled();
    return true;
  }

  #settleStraggler(tag: number, settled: Settled): boolean {
    const straggler = this.#stragglers?.get(tag);
    if (straggler === undefined) return false;
    this.#stragglers!.delete(tag);
    this.#count--;
    settled(straggler.link, straggler.position, tag);
    return true;
  }

  #settleUpTo(tag: number, settled: Settled): void {
    if (this.#stragglers !== undefined && this.#stragglers.size > 0) this.#settleStragglers(tag, settled);
    const ring = this.#ring;
    const mask = this.#mask;
    let each = this.#oldest;
    for (; each <= tag; each++) {
      const slot = (each & mask) * 2;
      const link = ring[slot]!;
      if (link === 0) continue;
      ring[slot] = 0;
      this.#count--;
      settled(link, ring[slot + 1]!, each);
    }
    this.#oldest = each;
    this.#skipSettled();
  }

  #settleStragglers(tag: number, settled: Settled): void {
    for (const [each, { link, position }] of this.#stragglers!) {
      if (each > tag) continue;
      this.#stragglers!.delete(each);
      this.#count--;
      settled(link, position, each);
    }
  }

  #skipSettled(): void {
    if (this.#inRing === 0) {
      this.#oldest = this.#next;
      return;
    }
    while (this.#ring[(this.#oldest & this.#mask) * 2] === 0) this.#oldest++;
  }

  #makeRoom(): void {
    const size = this.#mask + 1;
    if (size < RING_TAGS_MAX) return this.#resize(Math.max(RING_TAGS_MIN, size * 2));
    this.#stragglers ??= new Map();
    // The older half moves out. What is left in it after so many younger ones is rarely much.
    const limit = this.#oldest + size / 2;
    for (; this.#oldest < limit; this.#oldest++) {
      const slot = (this.#oldest & this.#mask) * 2;
      const link = this.#ring[slot]!;
      if (link !== 0) this.#stragglers.set(this.#oldest, { link, position: this.#ring[slot + 1]! });
      this.#ring[slot] = 0;
    }
    if (this.#inRing === 0) this.#oldest = this.#next;
  }

  #resize(tags: number): void {
    const larger = new Int32Array(tags * 2);
    for (let tag = this.#oldest; tag < this.#next; tag++) {
      const from = (tag & this.#mask) * 2;
      const to = (tag & (tags - 1)) * 2;
      larger[to] = this.#ring[from]!;
      larger[to + 1] = this.#ring[from + 1]!;
    }
    this.#ring = larger;
    this.#mask = tags - 1;
  }
}

const NO_RING = new Int32Array(0);
