/**
 * One sequence of messages of one queue: its segments on the disk, and what the present group brought. There are two in a queue,
 * the kept and the paged messages; positions rise in each. Positions are extended ones here.
 */
import type { Collection } from './collection.ts';
import { rowAt } from './index-record.ts';
import type { DiskChange } from './port.ts';
import { removeSegment } from './segment-removal.ts';
import { SegmentList } from './segment-list.ts';
import type { Segment } from './segment.ts';
import { makeSegments } from './segment-making.ts';
import { stateChange } from './state-record.ts';
import type { StoreTools } from './store-tools.ts';

export class SegmentChain {
  readonly prefix: Buffer;
  readonly list = new SegmentList();
  readonly #tools: StoreTools;
  readonly #title: string;
  /** The last position that was appended, -1: none. */
  last = -1;
  /** Messages on the disk that are not settled, and segments that hold one. */
  live = 0;
  segments = 0;
  /** What was found wrong, as a sentence. */
  damage: string | undefined;
  #collected: Collection | undefined;
  /** Segments on the disk that changed since the last commit. */
  #changed: Segment[] = [];
  /** Segments that the commit makes, and the last one of the list if the first of them takes its place. */
  #made: Segment[] = [];
  #replaced: Segment | undefined;

  constructor(prefix: Buffer, title: string, tools: StoreTools) {
    this.prefix = prefix;
    this.#title = title;
    this.#tools = tools;
  }

  /** Messages that wait for the commit, cancelled ones counted. */
  get collected(): number {
    return this.#collected?.count ?? 0;
  }

  collect(position: number, address: number, flags: number, reference: number): void {
    this.last = position;
    const size = this.#tools.memory.sizeOf(address);
    this.#tools.tally.collected++;
    this.#tools.tally.collectedBytes += size;
    this.#collected ??= this.#tools.collections.take();
    this.#collected.push(position, address, size, flags, reference);
  }

  /** Settles what lies from `from` on and before `to`. */
  settle(from: number, to: number): void {
    if (this.#collected !== undefined && to > this.#collected.positions[0]!) this.#cancel(this.#collected, from, to);
    const { list } = this;
    for (let index = Math.max(list.find(from), 0); index < list.length; index++) {
      const segment = list.at(index);
      if (segment.first >= to) break;
      if (segment.live > 0 && segment.end > from) this.#settleIn(segment, from - segment.first, to - segment.first);
    }
  }

  returned(position: number, deliveries: number): void {
    const index = this.#collected?.at(position) ?? -1;
    if (index !== -1) this.#collected!.deliveries[index] = deliveries;
    const segment = this.#segmentAt(position);
    if (segment === undefined) return;
    segment.setDeliveries(position - segment.first, deliveries);
    this.#noteChange(segment);
  }

  /** The message's record: a view, good for now. A sentence when it is damaged, undefined when there is no such message. */
  read(position: number): Uint8Array | string | undefined {
    const index = this.#collected?.at(position) ?? -1;
    if (index !== -1) return this.#tools.memory.recordOf(this.#collected!.addresses[index]!);
    const segment = this.#segmentAt(position);
    return segment === undefined ? undefined : this.#readIn(segment, position);
  }

  /** Adds what is to be done on the disk to `changes`. */
  prepare(changes: DiskChange[]): void {
    for (const segment of this.#changed) if (segment.live === 0) removeSegment(this.prefix, segment, changes);
    if (this.#collected !== undefined) {
      const tail = this.list.last;
      this.#made = makeSegments(this.#tools, this, this.#collected, changes);
      if (tail !== undefined && this.#made[0]?.first === tail.first) this.#replaced = tail;
    }
    for (const segment of this.#changed) {
      if (segment.live > 0 && segment !== this.#replaced) changes.push(stateChange(this.#tools.crc32, this.prefix, segment));
    }
    for (const segment of this.#made) if (segment.dirty) changes.push(stateChange(this.#tools.crc32, this.prefix, segment));
  }

  /** What `live` and `segments` are once the commit is done. */
  get next(): { readonly live: number; readonly segments: number } {
    const { live, segments } = this;
    const made = this.#made.reduce((sum, segment) => sum + segment.live, 0);
    const replaced = this.#replaced;
    return {
      live: live + made - (replaced?.live ?? 0),
      segments: segments + this.#made.length - (replaced === undefined ? 0 : 1),
    };
  }

  /** It is done. */
  applied(): void {
    const { list } = this;
    ({ live: this.live, segments: this.segments } = this.next);
    for (const [index, segment] of this.#made.entries()) {
      if (index === 0 && this.#replaced !== undefined) list.replaceLast(segment);
      else list.push(segment);
      segment.stateWritten = segment.dirty;
      segment.dirty = false;
    }
    for (const segment of this.#changed) {
      segment.dirty = false;
      segment.stateWritten = true;
      segment.removed = segment.live === 0;
    }
    list.noteRemoved(this.#changed.filter((segment) => segment.removed).length);
    this.#changed.length = 0;
    this.abandoned();
    if (this.#collected === undefined) return;
    const { addresses, count } = this.#collected;
    for (let index = 0; index < count; index++) if (addresses[index] !== 0) this.#tools.memory.release(addresses[index]!);
    this.#tools.collections.give(this.#collected);
    this.#collected = undefined;
  }

  /** It was not done: all is as before `prepare`. */
  abandoned(): void {
    this.#made = [];
    this.#replaced = undefined;
  }

  /** The queue is gone: leases and shared bodies are given back. The keys are removed by whoever calls. */
  drop(): void {
    if (this.#collected !== undefined) this.#cancel(this.#collected, -Infinity, Infinity);
    for (let index = 0; index < this.list.length; index++) {
      const segment = this.list.at(index);
      if (segment.live > 0) this.#tools.bodies.release(segment.references);
    }
    this.#tools.tally.settled += this.live;
  }

  noteDamage(from: number, to: number, what: string): void {
    this.damage ??= `${this.#title}: the messages at positions ${from | 0} to ${to | 0} are damaged, ${what}.`;
  }

  #noteChange(segment: Segment): void {
    if (segment.dirty) return;
    segment.dirty = true;
    this.#changed.push(segment);
  }

  #settleIn(segment: Segment, from: number, to: number): void {
    if (!this.isKnown(segment)) return;
    const fresh = segment.settle(from, to);
    if (fresh === 0) return;
    this.#tools.tally.settled += fresh;
    this.live -= fresh;
    this.#noteChange(segment);
    if (segment.live > 0) return;
    this.segments--;
    this.#tools.bodies.release(segment.references);
  }

  /** A segment that recovery found by its key has to be asked where its holes are. */
  isKnown(segment: Segment): boolean {
    if (segment.known) return true;
    const index = this.#tools.reader.index(this.prefix, segment);
    if (typeof index === 'string') this.noteDamage(segment.first, segment.end - 1, index);
    else segment.learn(index.offsets, segment.count);
    return segment.known;
  }

  #cancel(collected: Collection, from: number, to: number): void {
    const { positions, addresses, sizes, references, count } = collected;
    const { memory, tally, bodies } = this.#tools;
    for (let index = collected.find(from); index < count && positions[index]! < to; index++) {
      const address = addresses[index]!;
      if (address === 0) continue;
      addresses[index] = 0;
      tally.cancelled++;
      tally.collected--;
      tally.collectedBytes -= sizes[index]!;
      if (references[index] !== 0) bodies.cancel(references[index]!);
      memory.release(address);
    }
  }

  #segmentAt(position: number): Segment | undefined {
    const index = this.list.find(position);
    const segment = index === -1 ? undefined : this.list.at(index);
    if (segment === undefined || segment.live === 0 || position >= segment.end || !this.isKnown(segment)) return undefined;
    return segment.holds(position - segment.first) ? segment : undefined;
  }

  #readIn(segment: Segment, position: number): Uint8Array | string {
    const read = this.#tools.reader.read(this.prefix, segment);
    if (typeof read === 'string') return this.#damagedIn(segment, read);
    const { index, contents } = read;
    const row = rowAt(index, segment.count, position - segment.first);
    if (row === -1) return this.#damagedIn(segment, 'their index and their state do not agree');
    const reference = index.references[row]!;
    if (reference === 0) return contents.subarray(index.starts[row]!, index.starts[row + 1]!);
    const body = this.#tools.bodies.read(reference);
    return typeof body === 'string' ? this.#damagedIn(segment, body) : body;
  }

  #damagedIn(segment: Segment, what: string): string {
    this.noteDamage(segment.first, segment.end - 1, what);
    return what;
  }
}
