import { type Disk, type DiskChange, type DiskEntry, DiskFullError } from '../../src/store/port.ts';
import { lowerBound, textOf } from '../../src/store/sorted-keys.ts';

/** A disk in memory. A commit is whole or nothing; what stands there can be looked at and spoilt. */
export class MemoryDisk implements Disk {
  readonly #values = new Map<string, Buffer>();
  #sorted: string[] | undefined;
  /** The next commits find no room. */
  full = false;
  /** The next commits fail, and nobody knows what stands there. */
  failing = false;
  /** Commits that were done, and changes in them. */
  commits = 0;
  changes = 0;

  get(key: Uint8Array): Buffer | undefined {
    const value = this.#values.get(textOf(key));
    return value === undefined ? undefined : Buffer.from(value);
  }

  *keys(from: Uint8Array, to: Uint8Array): Generator<Buffer, void, undefined> {
    const end = textOf(to);
    this.#sorted ??= [...this.#values.keys()].sort();
    const sorted = this.#sorted;
    for (let at = lowerBound(sorted, textOf(from)); at < sorted.length && sorted[at]! < end; at++) yield Buffer.from(sorted[at]!, 'latin1');
  }

  *entries(from: Uint8Array, to: Uint8Array): Generator<DiskEntry, void, undefined> {
    for (const key of this.keys(from, to)) yield { key, value: this.get(key)! };
  }

  commit(changes: readonly DiskChange[]): void {
    if (this.full) throw new DiskFullError('there is no room');
    if (this.failing) throw new Error('the device failed');
    for (const { key, value } of changes) {
      const text = textOf(key);
      if (value === undefined ? this.#values.delete(text) : !this.#values.has(text)) this.#sorted = undefined;
      if (value !== undefined) this.#values.set(text, Buffer.from(value));
    }
    this.commits++;
    this.changes += changes.length;
  }

  get size(): number {
    return this.#values.size;
  }

  /** A disk with the same on it. */
  copy(): MemoryDisk {
    const other = new MemoryDisk();
    other.commit([...this.entries(Buffer.alloc(0), Buffer.from([0xff]))]);
    return other;
  }
}
