/** Entries of a new collection. */
const FIRST_CAPACITY = 16;
/** A collection that grew larger is not kept for the next group. */
const KEPT_CAPACITY = 8192;
/** So many empty ones are kept for the next group. */
const KEPT_COLLECTIONS = 256;

/** What one group brought for one sequence of a queue, in columns. Positions rise. */
export class Collection {
  positions = new Float64Array(FIRST_CAPACITY);
  /** 0: cancelled, its lease is over. */
  addresses = new Int32Array(FIRST_CAPACITY);
  sizes = new Uint32Array(FIRST_CAPACITY);
  flags = new Uint32Array(FIRST_CAPACITY);
  /** Number of the shared body, 0: the message has its own. */
  references = new Float64Array(FIRST_CAPACITY);
  deliveries = new Uint16Array(FIRST_CAPACITY);
  count = 0;

  push(position: number, address: number, size: number, flags: number, reference: number): void {
    const at = this.count;
    if (at === this.positions.length) this.#grow();
    this.positions[at] = position;
    this.addresses[at] = address;
    this.sizes[at] = size;
    this.flags[at] = flags;
    this.references[at] = reference;
    this.deliveries[at] = 0;
    this.count = at + 1;
  }

  /** Index of the first entry at `position` or behind it. */
  find(position: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.positions[middle]! < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the entry at `position` that is not cancelled, or -1. */
  at(position: number): number {
    const index = this.find(position);
    return index < this.count && this.positions[index] === position && this.addresses[index] !== 0 ? index : -1;
  }

  #grow(): void {
    this.positions = grown(this.positions, new Float64Array(2 * this.count));
    this.addresses = grown(this.addresses, new Int32Array(2 * this.count));
    this.sizes = grown(this.sizes, new Uint32Array(2 * this.count));
    this.flags = grown(this.flags, new Uint32Array(2 * this.count));
    this.references = grown(this.references, new Float64Array(2 * this.count));
    this.deliveries = grown(this.deliveries, new Uint16Array(2 * this.count));
  }
}

function grown<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Empty collections, for queues that get messages: 100,000 queues that get none have none. */
export class CollectionPool {
  readonly #empty: Collection[] = [];

  take(): Collection {
    return this.#empty.pop() ?? new Collection();
  }

  give(collection: Collection): void {
    if (collection.positions.length > KEPT_CAPACITY || this.#empty.length === KEPT_COLLECTIONS) return;
    collection.count = 0;
    this.#empty.push(collection);
  }
}
