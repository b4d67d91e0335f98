/**
 * Changes that are on the device and not yet in the database, by key: what counts is the last of each. Bounded by the journal, whose
 * records its values are part of.
 */
import type { DiskChange } from '../port.ts';

export class Overlay {
  readonly #values = new Map<string, Uint8Array | undefined>();
  #sorted: string[] | undefined;

  /** Keeps the values themselves. */
  take(changes: readonly DiskChange[]): void {
    for (const { key, value } of changes) {
      const text = textOf(key);
      if (!this.#values.has(text)) this.#sorted = undefined;
      this.#values.set(text, value);
    }
  }

  has(key: Uint8Array): boolean {
    return this.#values.size > 0 && this.#values.has(textOf(key));
  }

  /** Undefined as well for a key that goes: ask `has`. */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(textOf(key));
  }

  /** In the order of keys, which is the cheapest for the database. */
  *changes(): Generator<DiskChange, void, undefined> {
    for (const text of this.#inOrder()) yield { key: Buffer.from(text, 'latin1'), value: this.#values.get(text) };
  }

  /** Those with `from <= key < to`, in order. */
  range(from: Uint8Array, to: Uint8Array): DiskChange[] {
    const first = textOf(from);
    const end = textOf(to);
    const sorted = this.#inOrder();
    const changes: DiskChange[] = [];
    for (let at = lowerBound(sorted, first); at < sorted.length && sorted[at]! < end; at++) {
      changes.push({ key: Buffer.from(sorted[at]!, 'latin1'), value: this.#values.get(sorted[at]!) });
    }
    return changes;
  }

  clear(): void {
    this.#values.clear();
    this.#sorted = undefined;
  }

  #inOrder(): readonly string[] {
    return (this.#sorted ??= [...this.#values.keys()].sort());
  }
}

/** Latin-1 text sorts as its bytes do. */
function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

/** The first place whose text is not below `text`. */
function lowerBound(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
