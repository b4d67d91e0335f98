import { LEVEL_MASK } from '../broker/queue/ledger-layout.ts';
import type { Crc32 } from './checksum.ts';
import { RowFlag, indexBytes, makeRows, writeIndex } from './index-record.ts';
import type { DiskChange, StoreMemory } from './port.ts';
import { SEGMENT_BYTES_MAX, SEGMENT_MESSAGES_MAX, SEGMENT_SPAN_MAX, Segment } from './segment.ts';
import { type IndexKey, SegmentPart, Shape, indexKey, partKey } from './store-keys.ts';

/** Memory for what a group writes comes in such pieces; a piece that has less room than a segment may need is left. */
const BLOCK_BYTES = 1024 * 1024;
/** So many of them are kept for the next group. */
const KEPT_BLOCKS = 6;
/** The most that an index can take. */
const INDEX_BYTES_MAX = 17 * SEGMENT_MESSAGES_MAX;

/**
 * Lays messages out as segments. The bytes of a message are copied here once, from shared memory to where the disk takes them.
 * What was built stays as it is until `reset`.
 */
export class SegmentBuilder {
  readonly #crc32: Crc32;
  readonly #rows = makeRows(SEGMENT_MESSAGES_MAX);
  readonly #blocks: Buffer[] = [];
  #blocksUsed = 0;
  /** The piece that is written, and where its free part begins. */
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  #first = 0;
  #last = 0;
  #count = 0;
  #shape = 0;
  #references = 0;
  /** Where the contents begin and end. */
  #from = 0;
  #to = 0;

  constructor(crc32: Crc32) {
    this.#crc32 = crc32;
  }

  /** Forgets what was built: the disk has it, or has refused it. */
  reset(): void {
    this.#blocks.length = Math.min(this.#blocks.length, KEPT_BLOCKS);
    this.#blocksUsed = 0;
    this.#block = Buffer.alloc(0);
    this.#used = 0;
    this.#count = 0;
  }

  /** Whether a segment was begun. */
  get open(): boolean {
    return this.#count > 0;
  }

  /** Whether one more message fits the segment that is open. `bytes`: what it adds to the contents. */
  fits(number: number, bytes: number): boolean {
    return (
      this.#count < SEGMENT_MESSAGES_MAX &&
      this.#to - this.#from + bytes <= SEGMENT_BYTES_MAX &&
      number - this.#first < SEGMENT_SPAN_MAX
    );
  }

  /** Begins a segment with its first message; `add` must follow. `bytes`: what it adds to the contents. */
  begin(number: number, bytes: number): void {
    this.#makeRoom(Math.max(bytes, SEGMENT_BYTES_MAX) + INDEX_BYTES_MAX);
    this.#first = number;
    this.#count = 0;
    this.#shape = 0;
    this.#references = 0;
    this.#from = this.#used;
    this.#to = this.#used;
  }

  /** Adds a message with a record of its own. Numbers rise. */
  add(number: number, flags: number, record: Uint8Array): void {
    this.#addRow(number, flags, record.length, 0);
    this.#block.set(record, this.#to);
    this.#to += record.length;
  }

  /** The same with a record that lies in shared memory. */
  addFrom(memory: StoreMemory, number: number, flags: number, address: number, size: number): void {
    this.#addRow(number, flags, size, 0);
    memory.copy(address, size, this.#block, this.#to);
    this.#to += size;
  }

  /** Adds a message whose record, of `size` bytes, is the shared body `reference`. */
  addReference(number: number, flags: number, size: number, reference: number): void {
    this.#addRow(number, flags | RowFlag.reference, size, reference);
    this.#shape |= Shape.referring;
    this.#references++;
  }

  /** Ends the segment, and adds what is to be written to `changes`. */
  finish(prefix: Buffer, changes: DiskChange[]): Segment {
    const told: IndexKey = { first: this.#first, count: this.#count, span: this.#last - this.#first + 1, shape: this.#shape };
    const contentsKey = partKey(prefix, this.#first, SegmentPart.contents);
    const contents = this.#block.subarray(this.#from, this.#to);
    const contentsCrc = this.#crc32(contents, this.#crc32(contentsKey));
    const key = indexKey(prefix, told);
    const value = this.#block.subarray(this.#to, this.#to + indexBytes(told, this.#references));
    writeIndex(this.#crc32, key, told, this.#rows, contentsCrc, value);
    changes.push({ key, value }, { key: contentsKey, value: contents });
    const segment = new Segment(told.first, told.count, told.span, told.shape);
    if (!segment.known) segment.learn(this.#rows.offsets, told.count);
    segment.bytes = contents.length;
    this.#used = this.#to + value.length;
    this.#count = 0;
    return segment;
  }

  #addRow(number: number, flags: number, size: number, reference: number): void {
    const row = this.#count++;
    this.#rows.sizes[row] = size;
    this.#rows.offsets[row] = number - this.#first;
    this.#rows.flags[row] = flags;
    this.#rows.references[row] = reference;
    if ((flags & ~LEVEL_MASK) !== 0) this.#shape |= Shape.flagged;
    if ((flags & LEVEL_MASK) !== 0) this.#shape |= Shape.ranked;
    this.#last = number;
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.#block.length) return;
    this.#used = 0;
    if (bytes > BLOCK_BYTES) {
      this.#block = Buffer.allocUnsafeSlow(bytes);
      return;
    }
    if (this.#blocksUsed === this.#blocks.length) this.#blocks.push(Buffer.allocUnsafeSlow(BLOCK_BYTES));
    this.#block = this.#blocks[this.#blocksUsed++]!;
  }
}
