import type { Crc32 } from './checksum.ts';
import type { CollectionPool } from './collection.ts';
import type { StoreMemory } from './port.ts';
import type { SegmentBuilder } from './segment-builder.ts';
import type { SegmentReader } from './segment-reader.ts';
import type { SharedBodies } from './shared-bodies.ts';

/** What all queues of a store work with. */
export type StoreTools = {
  readonly memory: StoreMemory;
  readonly crc32: Crc32;
  readonly reader: SegmentReader;
  readonly builder: SegmentBuilder;
  readonly collections: CollectionPool;
  readonly bodies: SharedBodies;
  readonly tally: Tally;
};

/** What happened since the last commit. */
export type Tally = {
  /** Messages that were appended and not cancelled, and their bytes. */
  collected: number;
  collectedBytes: number;
  /** Messages that were settled and had been written. */
  settled: number;
  /** Messages that were settled before they were written. */
  cancelled: number;
};
