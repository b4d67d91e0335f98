import type { Crc32 } from './checksum.ts';
import { type SegmentIndex, readIndex } from './index-record.ts';
import type { Disk } from './port.ts';
import { SEGMENT_BYTES_MAX, type Segment } from './segment.ts';
import { SegmentPart, indexKey, partKey } from './store-keys.ts';

/** Segments that stay in memory after they were read: queues are read message after message. At most 1 MiB in all. */
const KEPT_SEGMENTS = 4;

export type ReadSegment = { readonly index: SegmentIndex; readonly contents: Buffer };

/** Reads segments back, and lets nothing pass that does not match its checksum. What is wrong comes back as a sentence. */
export class SegmentReader {
  readonly #disk: Disk;
  readonly #crc32: Crc32;
  readonly #kept: { segment: Segment; read: ReadSegment }[] = [];
  #oldest = 0;

  constructor(disk: Disk, crc32: Crc32) {
    this.#disk = disk;
    this.#crc32 = crc32;
  }

  index(prefix: Buffer, segment: Segment): SegmentIndex | string {
    const key = indexKey(prefix, segment);
    const value = this.#disk.get(key);
    if (value === undefined) return 'their index is missing';
    const index = readIndex(this.#crc32, key, segment, value);
    if (index === undefined) return 'their index does not match its checksum';
    segment.bytes = index.starts[segment.count]!;
    return index;
  }

  /** Index and contents. */
  read(prefix: Buffer, segment: Segment): ReadSegment | string {
    for (const kept of this.#kept) if (kept.segment === segment) return kept.read;
    const index = this.index(prefix, segment);
    if (typeof index === 'string') return index;
    const key = partKey(prefix, segment.first, SegmentPart.contents);
    const contents = this.#disk.get(key);
    if (contents === undefined) return 'their contents are missing';
    if (contents.length !== segment.bytes || this.#crc32(contents, this.#crc32(key)) !== index.contentsCrc) {
      return 'their contents do not match their checksum';
    }
    const read = { index, contents };
    if (contents.length <= SEGMENT_BYTES_MAX) {
      this.#kept[this.#oldest] = { segment, read };
      this.#oldest = (this.#oldest + 1) % KEPT_SEGMENTS;
    }
    return read;
  }
}
