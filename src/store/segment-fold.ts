import type { Crc32 } from './checksum.ts';
import type { Disk } from './port.ts';
import { SEGMENT_MESSAGES_MAX, SEGMENT_SPAN_MAX, Segment } from './segment.ts';
import { applyState } from './state-record.ts';
import { SegmentPart, firstOf, readIndexKey, segmentPartOf } from './store-keys.ts';

export type FoldListener = {
  found(segment: Segment): void;
  /** `first`: where. `what`: the end of a sentence. */
  damaged(first: number, what: string): void;
};

/** Puts segments together from keys that come in order. Each must be complete, and begin behind what is left of the one before. */
export class SegmentFold {
  readonly #disk: Disk;
  readonly #crc32: Crc32;
  readonly #prefixBytes: number;
  readonly #listener: FoldListener;
  #segment: Segment | undefined;
  #contentsFound = false;
  /** Behind the last message that is left of the segments before. */
  #end = 0;

  constructor(disk: Disk, crc32: Crc32, prefixBytes: number, listener: FoldListener) {
    this.#disk = disk;
    this.#crc32 = crc32;
    this.#prefixBytes = prefixBytes;
    this.#listener = listener;
  }

  take(key: Buffer): void {
    const part = segmentPartOf(key, this.#prefixBytes);
    if (part === -1) return this.#listener.damaged(this.#end, `a key stands there that is none: ${key.toString('hex')}`);
    const first = firstOf(key, this.#prefixBytes);
    if (part === SegmentPart.index) return this.#begin(key);
    if (this.#segment?.first !== first) return this.#listener.damaged(first, 'the index is missing');
    if (part === SegmentPart.contents) this.#contentsFound = true;
    else if (!applyState(this.#crc32, key, this.#disk.get(key), this.#segment)) {
      this.#listener.damaged(first, 'the record of what was settled does not match its checksum');
    }
  }

  end(): void {
    const segment = this.#segment;
    this.#segment = undefined;
    if (segment === undefined) return;
    if (!this.#contentsFound) return this.#listener.damaged(segment.first, 'the contents are missing');
    this.#end = segment.liveEnd;
    this.#listener.found(segment);
  }

  #begin(key: Buffer): void {
    this.end();
    const { first, count, span, shape } = readIndexKey(key, this.#prefixBytes);
    const possible = count > 0 && count <= span && count <= SEGMENT_MESSAGES_MAX && span <= SEGMENT_SPAN_MAX;
    if (!possible) return this.#listener.damaged(first, `an index of ${count} messages over ${span} positions is none`);
    if (first < this.#end) return this.#listener.damaged(first, 'they overlap those before them');
    this.#segment = new Segment(first, count, span, shape);
    this.#contentsFound = false;
  }
}
