/** What anybody may see of a ring without disturbing it. */
import { BYTES_CELL, HEAD_WORD, HIGH_WATER_CELL, RECORDS_CELL, RING_HEADER_BYTES, TAIL_WORD } from './ring-layout.ts';
import type { Mesh } from './mesh.ts';

export type RingLook = {
  readonly from: number;
  readonly to: number;
  readonly capacityBytes: number;
  /** Waiting to be read, now and at the most so far. */
  readonly usedBytes: number;
  readonly highWaterBytes: number;
  /** Since the node runs. */
  readonly records: number;
  readonly bytes: number;
};

/** The rings of a mesh that have ever been used. */
export function lookAtRings({ threads, rings }: Mesh): RingLook[] {
  return rings.flatMap((memory, pair) => {
    if (memory === undefined) return [];
    const words = new Int32Array(memory, 0, RING_HEADER_BYTES / 4);
    const cells = new Float64Array(memory, 0, RING_HEADER_BYTES / 8);
    const records = cells[RECORDS_CELL]!;
    if (records === 0) return [];
    const usedBytes = Math.max(0, (Atomics.load(words, TAIL_WORD) - Atomics.load(words, HEAD_WORD)) | 0);
    return {
      from: Math.floor(pair / threads),
      to: pair % threads,
      capacityBytes: memory.byteLength - RING_HEADER_BYTES,
      usedBytes,
      highWaterBytes: cells[HIGH_WATER_CELL]!,
      records,
      bytes: cells[BYTES_CELL]!,
    };
  });
}
