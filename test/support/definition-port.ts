/** The checksum and the digest of production, and a store of definitions that is a Map. */
import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { DefinitionPort } from '../../src/store/definition-key.ts';
import type { DiskChange, DiskEntry } from '../../src/store/port.ts';

export const definitionPort: DefinitionPort = { crc32, digest: (bytes) => hash('sha256', bytes, 'buffer') };

/** Keeps what is put, in the order of its keys. */
export class DefinitionMap {
  readonly #values = new Map<string, Buffer>();

  put(changes: readonly DiskChange[]): void {
    for (const { key, value } of changes) {
      const name = Buffer.from(key).toString('hex');
      if (value === undefined) this.#values.delete(name);
      else this.#values.set(name, Buffer.from(value));
    }
  }

  entries(): DiskEntry[] {
    return [...this.#values].sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, value]) => ({ key: Buffer.from(key, 'hex'), value: Buffer.from(value) }));
  }
}
