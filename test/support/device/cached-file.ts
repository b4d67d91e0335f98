/** One file between cache and device: what is certain, and in order what is not. The rules stand in power-loss-image.ts. */
import type { Reach } from './device-log.ts';

export const SECTOR_SIZE = 512;

export type SectorSurvival = {
  /** What becomes of a write: all of it survives, none, or each sector is asked for. */
  write(): 'all' | 'none' | 'by sector';
  /** How many bytes of a whole sector survive, from the front. */
  sector(sizeBytes: number): number;
  /** Whether a new length of the file survives. */
  length(): boolean;
};

/** The part of a write that lies in one sector, or (`bytes` undefined) a new length of the file. */
type Change = { readonly write: number; readonly offset: number; readonly bytes: Buffer | undefined; readonly endNs: bigint; isDoomed: boolean };

export class CachedFile {
  readonly #certain = new GrowingBytes();
  #uncertain: Change[] = [];
  #writes = 0;

  write(offset: number, bytes: Buffer, endNs: bigint, reach: Reach): void {
    const changes = sectorsOf(offset, bytes).map(([at, part]) => ({ write: this.#writes, offset: at, bytes: part, endNs, isDoomed: reach === 'failed' }));
    this.#writes++;
    this.#uncertain.push(...changes);
    // It takes along what else its sectors hold in the cache.
    if (reach === 'durable') this.#settle(() => false, new Set(changes.map(sectorOf)));
  }

  resize(sizeBytes: number, endNs: bigint): void {
    this.#uncertain.push({ write: this.#writes++, offset: sizeBytes, bytes: undefined, endNs, isDoomed: false });
  }

  /** A sync that began at `startNs` has succeeded. */
  flush(startNs: bigint): void {
    const isWritten = (change: Change): boolean => !change.isDoomed && change.endNs <= startNs;
    this.#settle(isWritten, new Set(this.#uncertain.filter(isWritten).map(sectorOf)));
  }

  /** A sync has failed. */
  doom(): void {
    for (const change of this.#uncertain) change.isDoomed = true;
  }

  afterPowerLoss(survival: SectorSurvival): Buffer {
    const found = this.#certain.copy();
    const fates = new Map<number, 'all' | 'none' | 'by sector'>();
    for (const change of this.#uncertain) {
      const fate = fates.get(change.write) ?? survival.write();
      fates.set(change.write, fate);
      if (change.bytes === undefined) {
        if (fate === 'all' || (fate === 'by sector' && survival.length())) found.resize(change.offset);
        continue;
      }
      const size = change.bytes.length;
      const kept = fate === 'all' ? size : fate === 'none' ? 0 : survival.sector(size);
      // A part of a sector is never torn.
      const part = size === SECTOR_SIZE || kept === 0 ? kept : size;
      if (part > 0) found.write(change.offset, change.bytes.subarray(0, part));
    }
    return found.bytes();
  }

  /** Makes certain, in order, what is chosen, and whatever else lies in the sectors that are written with it. */
  #settle(isChosen: (change: Change) => boolean, sectors: ReadonlySet<number>): void {
    const kept: Change[] = [];
    for (const change of this.#uncertain) {
      if (!isChosen(change) && (change.bytes === undefined || !sectors.has(sectorOf(change)))) kept.push(change);
      else if (change.bytes === undefined) this.#certain.resize(change.offset);
      else this.#certain.write(change.offset, change.bytes);
    }
    this.#uncertain = kept;
  }
}

function sectorOf(change: Change): number {
  return change.bytes === undefined ? -1 : Math.floor(change.offset / SECTOR_SIZE);
}

function sectorsOf(offset: number, bytes: Buffer): [offset: number, part: Buffer][] {
  const parts: [number, Buffer][] = [];
  for (let from = 0; from < bytes.length; ) {
    const size = Math.min(SECTOR_SIZE - ((offset + from) % SECTOR_SIZE), bytes.length - from);
    parts.push([offset + from, bytes.subarray(from, from + size)]);
    from += size;
  }
  return parts;
}

/** The bytes of a file that can grow and shrink; what was never written is zero. */
class GrowingBytes {
  #room = Buffer.alloc(4096);
  #size = 0;

  write(offset: number, bytes: Buffer): void {
    const end = offset + bytes.length;
    if (end > this.#size) this.resize(end);
    bytes.copy(this.#room, offset);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes > this.#room.length) {
      const room = Buffer.alloc(Math.max(sizeBytes, 2 * this.#room.length));
      this.#room.copy(room, 0, 0, this.#size);
      this.#room = room;
    }
    if (sizeBytes < this.#size) this.#room.fill(0, sizeBytes, this.#size);
    this.#size = sizeBytes;
  }

  bytes(): Buffer {
    return this.#room.subarray(0, this.#size);
  }

  copy(): GrowingBytes {
    const other = new GrowingBytes();
    other.write(0, this.bytes());
    return other;
  }
}
