/**
 * Changes that are on the device and not yet in the database, by key: what counts is the last of each. Bounded by the journal, whose
 * records its values are part of.
 */
import type { DiskChange } from '../port.ts';
import { lowerBound, textOf } from '../sorted-keys.ts';

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
