/**
 * Spans that come next in a timeline become moments: many are read together, and what is due before the first record that was not read lies
 * complete in memory, in order. What is due later becomes spans again, which cover less time each.
 *
 * ```
 *   | span ----------|                        before: each from another group
 *      | span ---------|
 *         | span ----------|
 *            | next record, not read
 *   |m|m|m|m| span | span |                   after: moments up to there, shorter spans behind
 *        ^ through                            and meanwhile: what is due up to there has gone on, all else stands in the old spans
 * ```
 *
 * So a message is written two or three times, however many groups have brought what is due beside it. It is done in steps of a few
 * milliseconds, each a turn of the store, so that who waits for a commit or reads does not wait for all of it. A step that writes is
 * a commit by itself and says how far it came (refining-progress.ts): a process that ends between two of them leaves the next one the rest.
 */
import type { Crc32 } from './checksum.ts';
import { type SpanReach, mayBeBetween } from './early-spans.ts';
import { makeMoments } from './moment-making.ts';
import type { Disk, DiskChange } from './port.ts';
import { type RefiningProgress, isMoved } from './refining-progress.ts';
import { readSpan } from './span-record.ts';
import { SpanRows } from './span-rows.ts';
import { BEFORE_ALL, BEHIND_ALL, type Place, isLater, justBefore, keyBehind, placeOf, timelineEnd } from './timeline-keys.ts';

/** What refining needs of the disk. */
export type RefiningDisk = Pick<Disk, 'entries' | 'commit'>;

/** Bytes that are refined together: so much is in memory. More of them at once are written fewer times. */
export const REFINED_BYTES_MAX = 2 * 1024 * 1024;
/**
 * Bytes that one step reads, and bytes that one step writes: two to four milliseconds of processor time with the commit, beside the flush of the device.
 * With a quarter of them there were four times as many flushes, and on a machine where each took 18 ms refining 20,000 a second fell behind.
 */
export const STEP_READ_BYTES = 512 * 1024;
export const STEP_WRITTEN_BYTES = 512 * 1024;

/** What one step comes to on the disk. */
export type RefiningStep = {
  readonly changes: readonly DiskChange[];
  /** Messages that go because they did not outlive their process. */
  readonly lost: number;
  /** Undefined: all is done. */
  readonly progress: RefiningProgress | undefined;
  /** What became spans again. */
  readonly spans: readonly SpanReach[];
  /** Rows of the order that have gone on then, and lost ones. */
  readonly done: number;
  readonly lostDone: number;
};

export type RefiningSetting = {
  readonly crc32: Crc32;
  readonly timeline: number;
  readonly process: number;
  /** The spans begin behind it, */
  readonly from: Place;
  /** and not behind this one. */
  readonly until: Place;
  /** Arrival of the next message of the timeline: what comes meanwhile is left alone. */
  readonly arrivals: number;
  /** Whether a message that came between these two may stand in a span that begins before `from`. Not known of those that another process has begun. */
  isBetween?(arrival: number, next: number): boolean;
};

export class SpanRefining {
  readonly #setting: RefiningSetting;
  /** How far an earlier process came with the same spans. */
  readonly #before: RefiningProgress | undefined;
  /** How far it has come on the disk. Undefined: nothing has gone on yet, or all. */
  progress: RefiningProgress | undefined;
  readonly #rows = new SpanRows();
  /** Keys of what was read, and how many rows of each have not gone on: none of what is no span. */
  readonly #keys: Buffer[] = [];
  readonly #left: number[] = [];
  /** Other records that stand among them, by due time: a moment must not be made across one. */
  readonly #standing = new Map<number, number[]>();
  #readThrough: Place;
  #readBytes = 0;
  #isRead = false;
  /** The first record that was not read. */
  #next: Place = BEHIND_ALL;
  /** Rows that go on and those that are lost, in order. */
  #order: Uint32Array | undefined;
  #lost = new Uint32Array(0);
  #done = 0;
  #lostDone = 0;
  #pending: RefiningStep | undefined;

  constructor(setting: RefiningSetting, before?: RefiningProgress) {
    this.#setting = setting;
    this.#before = before;
    this.progress = before;
    this.#readThrough = setting.from;
  }

  /** Goes on with what an earlier process has begun. */
  static resume(setting: Pick<RefiningSetting, 'crc32' | 'timeline' | 'process'>, before: RefiningProgress): SpanRefining {
    const { from, next, arrivals } = before;
    return new SpanRefining({ ...setting, from, until: justBefore(next), arrivals }, before);
  }

  /** An earlier process has begun it. */
  get isResumed(): boolean {
    return this.#before !== undefined;
  }

  get next(): Place {
    return this.#next;
  }

  /** There was nothing to refine. */
  get isEmpty(): boolean {
    return this.#isRead && this.#rows.count === 0 && this.#before === undefined;
  }

  /** What is to be committed next; then `applied` is called, else the same is answered again. Undefined: this step was for reading alone. */
  step(disk: Pick<Disk, 'entries'>): RefiningStep | undefined {
    if (!this.#isRead) this.#read(disk);
    else if (this.#order === undefined) this.#sort();
    else return (this.#pending ??= this.#write(this.#order));
    return undefined;
  }

  applied(): void {
    this.#done = this.#pending!.done;
    this.#lostDone = this.#pending!.lostDone;
    this.progress = this.#pending!.progress;
    this.#pending = undefined;
  }

  /** A span that is damaged stays as it is. */
  #read(disk: Pick<Disk, 'entries'>): void {
    const { crc32, timeline, process, until, arrivals } = this.#setting;
    const before = this.#before;
    const mayEnd = before === undefined;
    let bytes = 0;
    for (const { key, value } of disk.entries(keyBehind(timeline, this.#readThrough), timelineEnd(timeline), STEP_READ_BYTES)) {
      if (bytes >= STEP_READ_BYTES) return;
      const at = placeOf(key);
      if (at === undefined) continue;
      if (isLater(at, until) || (mayEnd && this.#readBytes >= REFINED_BYTES_MAX)) {
        this.#next = at;
        break;
      }
      this.#readThrough = at;
      bytes += value.length;
      this.#readBytes += value.length;
      if (at.number >= arrivals) continue;
      const hasMoved = (dueMs: number, number: number): boolean => before !== undefined && isMoved(before, at, { dueMs, number });
      const rowsBefore = this.#rows.count;
      if (!readSpan(crc32, key, value, process, this.#rows.reading(value, hasMoved))) this.#stands(at);
      this.#keys.push(key);
      this.#left.push(this.#rows.count - rowsBefore);
    }
    if (before !== undefined) this.#next = before.next;
    this.#stands(this.#next);
    this.#isRead = true;
  }

  #stands({ dueMs, number }: Place): void {
    const numbers = this.#standing.get(dueMs);
    if (numbers === undefined) this.#standing.set(dueMs, [number]);
    else numbers.push(number);
  }

  #sort(): void {
    const rows = this.#rows;
    const order = rows.inOrder();
    this.#lost = rows.lost === 0 ? this.#lost : order.filter((row) => rows.isLost(row));
    this.#order = rows.lost === 0 ? order : order.filter((row) => !rows.isLost(row));
  }

  #write(order: Uint32Array): RefiningStep {
    const { crc32, timeline, process, from, arrivals, isBetween = mayBeBetween } = this.#setting;
    const rows = this.#rows;
    const next = this.#next;
    const standing = this.#standing;
    const changes: DiskChange[] = [];
    const spans: SpanReach[] = [];
    const isSplit = (dueMs: number, arrival: number, following: number): boolean =>
      standing.get(dueMs)?.some((number) => number > arrival && number < following) === true || isBetween(arrival, following);
    const making = { crc32, timeline, process, rows, order, spansBehind: justBefore(next), onlySpans: true, isSplit };
    let done = this.#done;
    for (const { dueMs, number, rows: which, isSpan } of makeMoments(making, changes, done, STEP_WRITTEN_BYTES)) {
      for (const row of which) this.#leave(row, changes);
      done += which.length;
      if (isSpan) spans.push(this.#reachOf({ dueMs, number }, which));
    }
    const isDone = done === order.length;
    const through = isDone ? BEHIND_ALL : done === 0 ? BEFORE_ALL : this.#placeOf(order[done - 1]!);
    let lostDone = this.#lostDone;
    for (; lostDone < this.#lost.length && !isLater(this.#placeOf(this.#lost[lostDone]!), through); lostDone++) this.#leave(this.#lost[lostDone]!, changes);
    const progress = isDone ? undefined : { from, next, arrivals, through };
    return { changes, lost: lostDone - this.#lostDone, progress, spans, done, lostDone };
  }

  #reachOf(place: Place, which: Uint32Array): SpanReach {
    let [first, last] = [Infinity, -1];
    for (const row of which) {
      const arrival = this.#rows.arrival(row);
      first = Math.min(first, arrival);
      last = Math.max(last, arrival);
    }
    return { ...place, untilMs: this.#rows.dueMs(which.at(-1)!), first, last };
  }

  /** The message goes out of its span, and with the last one the span. */
  #leave(row: number, changes: DiskChange[]): void {
    const span = this.#rows.spanOf(row);
    if (--this.#left[span]! === 0) changes.push({ key: this.#keys[span]!, value: undefined });
  }

  #placeOf(row: number): Place {
    return { dueMs: this.#rows.dueMs(row), number: this.#rows.arrival(row) };
  }
}
