/**
 * Bodies of messages that went to several queues: each is kept once, under a number, and the queues' segments refer to it. Which
 * number a message has is written into the message itself (its place), so that a later append of the same message finds it.
 *
 * A shared segment goes when no segment of a queue refers to it any more. How many do is known in memory only: recovery counts.
 */
import { FIRST_EXTENDED, extend } from './extended-position.ts';
import { rowAt } from './index-record.ts';
import type { DiskChange, StoreMemory } from './port.ts';
import { removeSegment } from './segment-removal.ts';
import type { SegmentBuilder } from './segment-builder.ts';
import { SegmentList } from './segment-list.ts';
import type { SegmentReader } from './segment-reader.ts';
import type { References, Segment } from './segment.ts';
import { SHARED_PREFIX } from './store-keys.ts';

/** A place says which body is meant as long as no more bodies than this came after it: int32 numbers wrap. */
const PLACES_APART_MAX = 2 ** 31 - 1;

export class SharedBodies {
  readonly #memory: StoreMemory;
  readonly #reader: SegmentReader;
  readonly #builder: SegmentBuilder;
  readonly #list = new SegmentList();
  /** How many of the list stand on the disk. */
  #committed = 0;
  #next = FIRST_EXTENDED;
  /** The first number that this process gave: places are good within a process. */
  #oldestPlace = FIRST_EXTENDED;
  /** Bodies that were collected: address and number of references, from `#firstCollected` on. */
  #firstCollected = FIRST_EXTENDED;
  #addresses: number[] = [];
  #references: number[] = [];
  /** Nobody refers to them any more, or so it was when they came here. */
  #unused: Segment[] = [];

  constructor(memory: StoreMemory, reader: SegmentReader, builder: SegmentBuilder) {
    this.#memory = memory;
    this.#reader = reader;
    this.#builder = builder;
  }

  /** One more message refers to the body of the message at `address`. Answers the body's number. */
  refer(address: number): number {
    const place = this.#memory.placeOf(address);
    if (place !== 0) {
      const number = extend(place, this.#next - 1);
      if (number >= this.#firstCollected && this.#addresses[number - this.#firstCollected] === address) {
        this.#references[number - this.#firstCollected]!++;
        return number;
      }
      const segment = number < this.#oldestPlace || number >= this.#firstCollected ? undefined : this.segmentOf(number);
      if (segment !== undefined && this.#isStill(number, address)) {
        segment.live++;
        return number;
      }
    }
    return this.#collect(address);
  }

  /** A message that refers to the body goes before it was written. */
  cancel(number: number): void {
    if (number >= this.#firstCollected) this.#references[number - this.#firstCollected]!--;
    else this.release(new Map([[this.segmentOf(number)!, 1]]));
  }

  /** A segment of a queue goes, and with it what it refers to. */
  release(references: References): void {
    for (const [segment, count] of references) {
      segment.live -= count;
      if (segment.live === 0) this.#unused.push(segment);
    }
  }

  /** The segment that has the body, written or about to be. */
  segmentOf(number: number): Segment | undefined {
    const index = this.#list.find(number);
    const segment = index === -1 ? undefined : this.#list.at(index);
    return segment !== undefined && !segment.removed && segment.holds(number - segment.first) ? segment : undefined;
  }

  /** The record of a body, or a sentence that says why there is none. */
  read(number: number): Buffer | string {
    const index = this.#list.find(number);
    const segment = index === -1 ? undefined : this.#list.at(index);
    if (segment === undefined || segment.removed || number >= segment.end) return `their shared body ${number} is missing`;
    const read = this.#reader.read(SHARED_PREFIX, segment);
    if (typeof read === 'string') return `their shared body ${number} cannot be read: of these bodies, ${read}`;
    const row = rowAt(read.index, segment.count, number - segment.first);
    if (row === -1) return `their shared body ${number} is missing`;
    return read.contents.subarray(read.index.starts[row]!, read.index.starts[row + 1]!);
  }

  /** Adds what is to be done on the disk to `changes`. Before the queues do: their segments refer to these. */
  prepare(changes: DiskChange[]): void {
    for (const segment of this.#unused) if (segment.live === 0 && !segment.removed) removeSegment(SHARED_PREFIX, segment, changes);
    const builder = this.#builder;
    let uses = 0;
    const finish = (): void => {
      const segment = builder.finish(SHARED_PREFIX, changes);
      segment.live = uses;
      this.#list.push(segment);
      uses = 0;
    };
    for (let at = 0; at < this.#addresses.length; at++) {
      if (this.#references[at] === 0) continue;
      const number = this.#firstCollected + at;
      const record = this.#memory.recordOf(this.#addresses[at]!);
      if (builder.open && !builder.fits(number, record.length)) finish();
      if (!builder.open) builder.begin(number, record.length);
      builder.add(number, 0, record);
      uses += this.#references[at]!;
    }
    if (builder.open) finish();
  }

  /** It is done. */
  applied(): void {
    this.#firstCollected = this.#next;
    this.#addresses.length = 0;
    this.#references.length = 0;
    const unused = this.#unused;
    this.#unused = [];
    let removed = 0;
    for (const segment of unused) {
      if (segment.live > 0 || segment.removed) continue;
      segment.removed = true;
      removed++;
    }
    this.#list.noteRemoved(removed);
    this.#committed = this.#list.length;
  }

  /** It was not done: all is as before `prepare`. */
  abandoned(): void {
    this.#list.truncate(this.#committed);
  }

  get waiting(): boolean {
    return this.#unused.length > 0;
  }

  get segments(): number {
    let count = 0;
    for (let index = 0; index < this.#committed; index++) if (!this.#list.at(index).removed) count++;
    return count;
  }

  /** Recovery found a segment. Nobody refers to it yet. */
  found(segment: Segment): void {
    segment.live = 0;
    this.#list.push(segment);
    this.#committed = this.#list.length;
    this.#next = segment.end;
    this.#oldestPlace = this.#next;
    this.#firstCollected = this.#next;
  }

  /** Recovery has counted. `uncertain`: a queue is damaged and may refer to what nobody else does, so that all of it stays. */
  counted(uncertain: boolean): void {
    for (let index = 0; index < this.#list.length; index++) {
      const segment = this.#list.at(index);
      if (uncertain) segment.live++;
      else if (segment.live === 0) this.#unused.push(segment);
    }
  }

  #collect(address: number): number {
    // A place of 0 says that there is none.
    if ((this.#next | 0) === 0) {
      this.#next++;
      this.#addresses.push(0);
      this.#references.push(0);
    }
    const number = this.#next++;
    this.#addresses.push(address);
    this.#references.push(1);
    this.#memory.setPlace(address, number | 0);
    return number;
  }

  /** Whether the body is that of the message. It is, unless so many came since that the place may mean an older one. */
  #isStill(number: number, address: number): boolean {
    if (this.#next - this.#oldestPlace <= PLACES_APART_MAX) return true;
    const body = this.read(number);
    return typeof body !== 'string' && body.equals(this.#memory.recordOf(address));
  }
}

