/** The timelines of a store, and their part in its commits. */
import type { Disk, DiskChange } from './port.ts';
import type { StoreTools } from './store-tools.ts';
import { Area } from './store-keys.ts';
import { isSpan, readSpan } from './span-record.ts';
import type { RefiningDisk } from './span-refining.ts';
import { type Advance, type HandedMoment, Timeline } from './timeline.ts';
import { TIMELINES_TO, TimelinePart, placeOf, timelineEnd, timelineOf, timelinePrefix } from './timeline-keys.ts';
import { type TimelineRecord, readTimelineRecord } from './timeline-record.ts';

/** Keys of a deleted timeline that go with one commit: millions must not hold up everybody. */
export const CLEARED_KEYS_MAX = 4_096;

export class Timelines {
  readonly #disk: Disk;
  readonly #tools: StoreTools;
  readonly #timelines = new Map<number, Timeline>();
  /** Deleted ones, of which keys may stand on the disk. */
  readonly #ending = new Set<number>();
  /** Those whose last keys go with the commit that is prepared. */
  #cleared: number[] = [];
  /** Those that have something for the next commit, and those that have something fresh from the last ones. */
  readonly #touched = new Set<Timeline>();
  readonly #fresh = new Set<Timeline>();
  /** Those with spans to refine, in turns. */
  readonly #refining = new Set<Timeline>();
  readonly #touch = (timeline: Timeline): void => void this.#touched.add(timeline);

  constructor(disk: Disk, tools: StoreTools) {
    this.#disk = disk;
    this.#tools = tools;
  }

  /** Finds what stands on the disk, one look a timeline. `clean`: the last process ended in order. Answers what is wrong, as sentences. */
  open(clean: boolean): readonly string[] {
    const faults: string[] = [];
    for (let from: Buffer = Buffer.from([Area.timelines]); ; ) {
      const key = firstOf(this.#disk.keys(from, TIMELINES_TO));
      if (key === undefined) return faults;
      if (key.length < 6) return [...faults, `A key of ${key.length} bytes stands among those of the timelines, and none is so short.`];
      const id = timelineOf(key);
      const record = readTimelineRecord(this.#tools.crc32, id, this.#disk.get(timelinePrefix(id, TimelinePart.record)));
      if (record === undefined) faults.push(`The record of timeline ${id} is missing or damaged: messages that wait there may be lost.`);
      this.#timelines.set(id, new Timeline(id, this.#tools, record ?? this.#recount(id), !clean || record === undefined, this.#touch));
      from = timelineEnd(id);
    }
  }

  /** What the record must have said, as far as can be told. */
  #recount(id: number): TimelineRecord {
    let next = 0;
    let process = 0;
    let messages = 0;
    for (const { key, value } of this.#disk.entries(timelinePrefix(id, TimelinePart.moments), timelineEnd(id))) {
      next = Math.max(next, (placeOf(key)?.number ?? 0) + 1);
      if (value.length < 12) continue;
      messages += value.readUInt16BE(6);
      process = Math.max(process, value.readUInt32BE(8));
      if (!isSpan(value)) continue;
      readSpan(this.#tools.crc32, key, value, value.readUInt32BE(8), (_due, arrival) => (next = Math.max(next, arrival + 1)));
    }
    return { next, process, messages, goneMs: 0 };
  }

  known(): Iterable<number> {
    return this.#timelines.keys();
  }

  /** The timeline in the name of this queue; it begins with the first look. */
  of(id: number): Timeline {
    let timeline = this.#timelines.get(id);
    if (timeline === undefined) this.#timelines.set(id, (timeline = new Timeline(id, this.#tools, undefined, false, this.#touch)));
    return timeline;
  }

  find(id: number): Timeline | undefined {
    return this.#timelines.get(id);
  }

  /** The timeline goes, and all that waits there. */
  forget(id: number): void {
    const timeline = this.#timelines.get(id);
    if (timeline === undefined) return;
    timeline.drop();
    this.#timelines.delete(id);
    this.#touched.delete(timeline);
    this.#fresh.delete(timeline);
    this.#refining.delete(timeline);
    this.#ending.add(id);
  }

  /** Hands out what is next in a timeline. */
  advance(disk: RefiningDisk, id: number, untilMs: number, found: (moment: HandedMoment) => void): Advance {
    const timeline = this.of(id);
    const result = timeline.advance(disk, untilMs, found);
    if (timeline.isRefining) this.#refining.add(timeline);
    return result;
  }

  /** Some have spans to refine: `refine` is to be called, whenever there is time. */
  get isRefining(): boolean {
    return this.#refining.size > 0;
  }

  /** One step of one of them. */
  refine(disk: RefiningDisk): void {
    const timeline = firstOf(this.#refining);
    if (timeline === undefined) return;
    this.#refining.delete(timeline);
    // Without room on the disk it waits until somebody asks again.
    if (timeline.refine(disk) !== 'exhausted' && timeline.isRefining) this.#refining.add(timeline);
  }

  get waiting(): 'nothing' | 'lazy' | 'urgent' {
    for (const timeline of this.#touched) if (timeline.waiting === 'urgent') return 'urgent';
    return this.#touched.size + this.#ending.size > 0 ? 'lazy' : 'nothing';
  }

  /** What waits is nothing but keys of deleted timelines: a later process goes on with them. */
  get isOnlyClearing(): boolean {
    return this.#touched.size === 0;
  }

  /** Adds what is to be done on the disk to `changes`. */
  prepare(changes: DiskChange[]): void {
    for (const timeline of this.#touched) timeline.prepare(changes);
    let room = CLEARED_KEYS_MAX;
    for (const id of this.#ending) {
      for (const key of this.#disk.keys(timelinePrefix(id, TimelinePart.record), timelineEnd(id))) {
        if (room-- === 0) return;
        changes.push({ key, value: undefined });
      }
      this.#cleared.push(id);
    }
  }

  /** It is done. */
  applied(): void {
    for (const timeline of this.#touched) {
      timeline.applied();
      this.#fresh.add(timeline);
    }
    for (const id of this.#cleared) this.#ending.delete(id);
    this.#touched.clear();
    this.#cleared = [];
  }

  /** It was not done: all is as before `prepare`. */
  abandoned(): void {
    for (const timeline of this.#touched) timeline.abandoned();
    this.#cleared = [];
  }

  /**
   * What the last commits brought that is due before a horizon: it is the caller's now. `isNextNew`: something behind it is due earlier than
   * what was next there.
   */
  takeFresh(handOver: (id: number, moments: readonly HandedMoment[], isNextNew: boolean) => void): void {
    for (const timeline of this.#fresh) {
      const fresh = timeline.takeFresh();
      const isNextNew = timeline.takeNextNew();
      if (fresh.length > 0 || isNextNew) handOver(timeline.id, fresh, isNextNew);
    }
    this.#fresh.clear();
  }
}

function firstOf<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item;
  return undefined;
}
