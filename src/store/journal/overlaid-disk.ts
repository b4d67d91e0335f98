/** What a disk holds with an overlay on it. */
import type { Disk, DiskEntry } from '../port.ts';
import type { Overlay } from './overlay.ts';

export type ReadableDisk = Pick<Disk, 'get' | 'keys' | 'entries'>;

/** An iteration sees the overlay as it was when it began: nothing is committed meanwhile. */
export class OverlaidDisk implements ReadableDisk {
  readonly #disk: ReadableDisk;
  readonly #overlay: Overlay;

  constructor(disk: ReadableDisk, overlay: Overlay) {
    this.#disk = disk;
    this.#overlay = overlay;
  }

  get(key: Uint8Array): Buffer | undefined {
    if (!this.#overlay.has(key)) return this.#disk.get(key);
    const value = this.#overlay.get(key);
    return value === undefined ? undefined : Buffer.from(value);
  }

  *keys(from: Uint8Array, to: Uint8Array): Generator<Buffer, void, undefined> {
    const changes = this.#overlay.range(from, to);
    let at = 0;
    for (const key of this.#disk.keys(from, to)) {
      for (; at < changes.length && Buffer.compare(changes[at]!.key, key) < 0; at++) if (changes[at]!.value !== undefined) yield Buffer.from(changes[at]!.key);
      if (at === changes.length || Buffer.compare(changes[at]!.key, key) !== 0) yield key;
      else if (changes[at++]!.value !== undefined) yield key;
    }
    for (; at < changes.length; at++) if (changes[at]!.value !== undefined) yield Buffer.from(changes[at]!.key);
  }

  *entries(from: Uint8Array, to: Uint8Array, stepBytes?: number): Generator<DiskEntry, void, undefined> {
    const changes = this.#overlay.range(from, to);
    let at = 0;
    const own = (): DiskEntry[] => {
      const { key, value } = changes[at++]!;
      return value === undefined ? [] : [{ key: Buffer.from(key), value: Buffer.from(value) }];
    };
    for (const entry of this.#disk.entries(from, to, stepBytes)) {
      while (at < changes.length && Buffer.compare(changes[at]!.key, entry.key) < 0) yield* own();
      if (at < changes.length && Buffer.compare(changes[at]!.key, entry.key) === 0) yield* own();
      else yield entry;
    }
    while (at < changes.length) yield* own();
  }
}
