/**
 * The destinations that share one binding key. A destination may be in it more than once, because bindings that differ only
 * in their arguments are different bindings; it is listed once and counted.
 *
 * Most bags hold one or two destinations, some hold a hundred thousand. So: an array to walk, and an index only once the
 * array is long enough that searching it would cost more than the index.
 */

/** From this many destinations on the bag keeps an index. */
const INDEXED_LENGTH_MIN = 16;

export class DestinationBag<Destination> {
  /** Every destination once. Read only; the order means nothing. */
  readonly destinations: Destination[] = [];
  readonly #counts: number[] = [];
  #index: Map<Destination, number> | undefined;

  add(destination: Destination): void {
    const at = this.#find(destination);
    if (at >= 0) {
      this.#counts[at] = (this.#counts[at] ?? 0) + 1;
      return;
    }
    this.destinations.push(destination);
    this.#counts.push(1);
    if (this.#index !== undefined) this.#index.set(destination, this.destinations.length - 1);
    else if (this.destinations.length >= INDEXED_LENGTH_MIN) this.#index = new Map(this.destinations.map((known, position) => [known, position]));
  }

  /** Takes one of the destination's places away. Answers whether the bag is empty now. */
  remove(destination: Destination): boolean {
    const at = this.#find(destination);
    if (at < 0) throw new Error('assertion failed: unbind of a destination that is not bound');
    const count = this.#counts[at] ?? 0;
    if (count > 1) this.#counts[at] = count - 1;
    else this.#drop(at, destination);
    return this.destinations.length === 0;
  }

  /** The last destination takes the place of the one that leaves, so that nothing is shifted. */
  #drop(at: number, destination: Destination): void {
    const last = this.destinations.pop();
    const lastCount = this.#counts.pop();
    this.#index?.delete(destination);
    if (last === undefined || lastCount === undefined || last === destination) return;
    this.destinations[at] = last;
    this.#counts[at] = lastCount;
    this.#index?.set(last, at);
  }

  #find(destination: Destination): number {
    return this.#index === undefined ? this.destinations.indexOf(destination) : (this.#index.get(destination) ?? -1);
  }
}
