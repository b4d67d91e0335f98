/**
 * Messages that wait for a time: one timeline a delayed exchange. What comes is collected, laid out as moments and written with the
 * group; memory knows of no moment but those that are handed out.
 *
 * ```
 *   earlier ----------------------------------------------------------> later
 *   | handed out, in the memory of who routes them  | horizon |  on the disk alone  |
 * ```
 *
 * What is due before the horizon is handed out as soon as it is written, from the memory in which it came: a short delay never reads
 * the disk. `advance` reads on behind the horizon, in the order of time. So whoever routes has all that is due up to the horizon, and
 * holds as much as he asked for. Of what is behind it he knows when the first is due, and hears when something comes that is due earlier.
 *
 * A moment stands on the disk until it is passed, so whoever routes may end between the two, and then it goes out again. Only what was due
 * by then can have gone out: it is handed out marked, and the rest is not. The time is in the timeline's record, for the processes that follow.
 */
import { type MadeMoment, makeMoments } from './moment-making.ts';
import { isSound } from './checksum.ts';
import { DelayedRows } from './delayed-rows.ts';
import { EarlySpans } from './early-spans.ts';
import { MomentFlag, readMoment } from './moment-record.ts';
import { type DiskChange, DiskFullError } from './port.ts';
import { type RefiningDisk, SpanRefining } from './span-refining.ts';
import { isSpan } from './span-record.ts';
import { BEFORE_ALL, BEHIND_ALL, type Place, behindAllDue, isLater, justBefore, isRefinedKey, keyBehind, laterOf, momentKey, placeOf, timelineEnd } from './timeline-keys.ts';
import { type TimelineRecord, timelineRecordChange } from './timeline-record.ts';
import type { StoreTools } from './store-tools.ts';

/** Messages that one `advance` hands out, and bytes of them; a moment is handed out whole. */
export const ADVANCE_MESSAGES_MAX = 4096;
export const ADVANCE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * How much earlier than their messages are asked for spans are refined, milliseconds. When all groups of minutes have brought some that are due
 * at once, it takes seconds.
 */
export const SPANS_AHEAD_MS = 10_000;

/** A moment on the disk: when it is due, how many messages it counts, and whether it was made of spans. */
type StandingMoment = { readonly dueMs: number; readonly count: number; readonly isRefined: boolean };

/** A moment whose messages are handed out, each with one lease. `flags`: MomentFlag of each. */
export type HandedMoment = Place & { readonly addresses: readonly number[]; readonly flags: readonly number[] };

/** How far `advance` came: more may follow, all was handed out that was asked for, or there was no memory to go on. */
export type Advance = 'more' | 'reached' | 'exhausted';

export class Timeline {
  readonly id: number;
  readonly #tools: StoreTools;
  /** The number of this process in the timeline. */
  readonly #process: number;
  /** Messages in moments on the disk. */
  messages: number;
  /** The arrival of the next message. */
  #next: number;
  /** What was on the disk when somebody ended who routed, and is due then or before, may have gone out. 0: nothing. */
  #goneMs: number;
  /** Something may be on the disk that has gone out, beside what `#goneMs` says. */
  #isHandedOut: boolean;
  horizon: Place = BEFORE_ALL;
  /** Nothing behind the horizon is due earlier; Infinity: there is nothing. */
  #nextDueMs = 0;
  #isNextNew = false;
  /**
   * Spans behind it are to be refined ahead of time. Of those that stand before it `#earlySpans` knows: they are refined when they are reached.
   * BEHIND_ALL: there are none behind it. Undefined: it is not known where any stand.
   */
  #spansFrom: Place | undefined;
  readonly #earlySpans = new EarlySpans();
  /** Until when `advance` asked last; below 0: nobody asked. */
  #askedMs = -1;
  /** All that it asked for was handed out. */
  #isReached = false;
  /** Spans that are being refined. */
  #refining: SpanRefining | undefined;
  /** Moments that are handed out, by number. */
  readonly #handed = new Map<number, StandingMoment>();
  readonly #collected: DelayedRows;
  #made: readonly MadeMoment[] = [];
  /** Moments that are done with and stand on the disk until the next commit. */
  readonly #passed = new Map<number, StandingMoment>();
  /** What the last commit brought that is due before the horizon. */
  #fresh: HandedMoment[] = [];
  /** What cannot be read, as a sentence. */
  damage: string | undefined;

  readonly #touch: (timeline: Timeline) => void;

  /**
   * `record`: what stands on the disk. `isHandedOut`: the process before this one may have handed out of it what this one does not know of.
   * `touch` hears when something is for the next commit.
   */
  constructor(id: number, tools: StoreTools, record: TimelineRecord | undefined, isHandedOut: boolean, touch: (timeline: Timeline) => void) {
    this.id = id;
    this.#goneMs = record?.goneMs ?? 0;
    this.#isHandedOut = isHandedOut;
    this.#touch = touch;
    this.#tools = tools;
    this.#collected = new DelayedRows(tools.memory);
    this.#process = (record?.process ?? 0) + 1;
    this.messages = record?.messages ?? 0;
    this.#next = record?.next ?? 0;
    if (record === undefined) this.#spansFrom = BEHIND_ALL;
    if (record?.refining !== undefined) this.#refining = SpanRefining.resume({ crc32: tools.crc32, timeline: id, process: this.#process }, record.refining);
  }

  get waiting(): 'nothing' | 'lazy' | 'urgent' {
    if (this.#collected.count > 0) return 'urgent';
    return this.#passed.size > 0 ? 'lazy' : 'nothing';
  }

  /** Until then nothing is to be asked for; Infinity: there is nothing. Not later than what is behind the horizon is due. */
  get nextMs(): number {
    if (this.#spansFrom === undefined) return this.#nextDueMs;
    // What is refined ahead of what was asked for is refined without being asked for again.
    return Math.min(this.#nextDueMs, Math.max(this.#spansFrom.dueMs - SPANS_AHEAD_MS, this.#askedMs + 1));
  }

  /** There are spans to be refined ahead of what was asked for: `refine` is to be called, whenever there is time. */
  get isRefining(): boolean {
    return this.#askedMs >= 0 && (this.#refining !== undefined || this.#spansAhead !== undefined);
  }

  /** A message with its one lease, which goes on to who routes it, or ends when it is written. */
  delay(dueMs: number, address: number, flags: number): void {
    const { memory, tally } = this.#tools;
    const size = memory.sizeOf(address);
    tally.collected++;
    tally.collectedBytes += size;
    this.#touch(this);
    this.#collected.add(Math.max(0, Math.floor(dueMs)), address, size, flags);
  }

  /** The moment is done with: it goes with the next commit. Unknown ones are ignored. */
  pass(number: number): void {
    const moment = this.#handed.get(number);
    if (moment === undefined) return;
    this.#handed.delete(number);
    this.#passed.set(number, moment);
    this.#touch(this);
    this.#tools.tally.settled += moment.count;
  }

  /** Of what is on the disk, that which is due at `goneMs` or before may have found its queues. */
  noteGone(goneMs: number): void {
    if (!this.#isHandedOut || goneMs <= this.#goneMs) return;
    this.#goneMs = goneMs;
    this.#touch(this);
  }

  /** Whoever was handed something has lost it: all of it is on the disk still, and is handed out anew. See `noteGone`. */
  rewind(goneMs: number): void {
    this.noteGone(goneMs);
    this.#handed.clear();
    this.horizon = BEFORE_ALL;
    this.#nextDueMs = 0;
    this.#spansFrom = undefined;
    this.#askedMs = -1;
    this.#isReached = false;
  }

  /** What was handed out beyond `place` was let go of. */
  recede(place: Place): void {
    if (!isLater(this.horizon, place)) return;
    this.horizon = place;
    this.#isReached = false;
    this.#nextDueMs = Math.max(place.dueMs, 0);
    for (const [number, { dueMs }] of this.#handed) if (isLater({ dueMs, number }, place)) this.#handed.delete(number);
  }

  /** Hands out what is next on the disk and due at `untilMs` or before. */
  advance(disk: RefiningDisk, untilMs: number, found: (moment: HandedMoment) => void): Advance {
    this.#askedMs = Math.max(this.#askedMs, untilMs);
    const result = this.#advance(disk, behindAllDue(untilMs), found);
    this.#isReached = result === 'reached';
    if (result !== 'reached') this.#nextDueMs = Math.max(this.horizon.dueMs, 0);
    return result;
  }

  #advance(disk: RefiningDisk, until: Place, found: (moment: HandedMoment) => void): Advance {
    if (!isLater(until, this.horizon)) return 'reached';
    const { crc32 } = this.#tools;
    let messages = 0;
    let bytes = 0;
    for (const { key, value } of disk.entries(keyBehind(this.id, this.horizon), timelineEnd(this.id))) {
      if (messages >= ADVANCE_MESSAGES_MAX || bytes >= ADVANCE_BYTES_MAX) return 'more';
      const place = placeOf(key);
      if (place === undefined || this.#passed.has(place.number)) continue;
      if (isLater(place, until)) {
        this.horizon = until;
        this.#nextDueMs = place.dueMs;
        if (isSpan(value)) this.#spansFrom ??= justBefore(place);
        return 'reached';
      }
      if (isSpan(value) && isSound(crc32, key, value)) {
        // What was found before it goes on its way first.
        return messages > 0 ? 'more' : this.#step(disk, this.#refining ?? this.#beginRefining(this.horizon, until));
      }
      const read = readMoment(crc32, key, value, this.#process);
      if (read === undefined) this.#noteDamage(place);
      else {
        const addresses = this.#toMemory(read.records);
        if (addresses === undefined) return 'exhausted';
        this.#handed.set(place.number, { dueMs: place.dueMs, count: read.count, isRefined: isRefinedKey(key) });
        if (addresses.length > 0) this.#handOut({ ...place, addresses, flags: read.flags }, found);
        else this.pass(place.number);
        messages += addresses.length;
        bytes += value.length;
      }
      this.horizon = place;
    }
    this.horizon = until;
    this.#nextDueMs = Infinity;
    this.#spansFrom ??= BEHIND_ALL;
    this.#checkSum();
    return 'reached';
  }

  #handOut(moment: HandedMoment, found: (moment: HandedMoment) => void): void {
    this.#isHandedOut = true;
    found(moment.dueMs > this.#goneMs ? moment : { ...moment, flags: moment.flags.map((flags) => flags | MomentFlag.redelivered) });
  }

  /** Spans behind it are to be refined ahead of what was asked for. Undefined: there are none. */
  get #spansAhead(): Place | undefined {
    if (this.#spansFrom === undefined || !this.#isReached || this.horizon === BEHIND_ALL) return undefined;
    // Before the horizon there are none any more.
    const from = laterOf(this.#spansFrom, this.horizon);
    return isLater(behindAllDue(this.#askedMs + SPANS_AHEAD_MS), from) ? from : undefined;
  }

  /** One step of what `isRefining` speaks of: a few milliseconds. */
  refine(disk: RefiningDisk): Advance {
    const from = this.#spansAhead;
    if (this.#refining === undefined && from !== undefined) this.#beginRefining(from, behindAllDue(this.#askedMs + SPANS_AHEAD_MS));
    return this.#refining === undefined ? 'reached' : this.#step(disk, this.#refining);
  }

  #beginRefining(from: Place, until: Place): SpanRefining {
    const { crc32 } = this.#tools;
    this.#earlySpans.passed(this.horizon);
    const isBetween = this.#earlySpans.between(from);
    return (this.#refining = new SpanRefining({ crc32, timeline: this.id, process: this.#process, from, until, arrivals: this.#next, isBetween }));
  }

  /** What comes next becomes moments, in transactions of its own. Nothing else changes: they are where the spans were. */
  #step(disk: RefiningDisk, refining: SpanRefining): Advance {
    const step = refining.isEmpty ? undefined : refining.step(disk);
    if (step !== undefined) {
      const messages = Math.max(this.messages - step.lost, 0);
      const record = { messages, next: this.#next, process: this.#process, goneMs: this.#goneMs, refining: step.progress };
      try {
        disk.commit([...step.changes, timelineRecordChange(this.#tools.crc32, this.id, record)]);
      } catch (error) {
        if (error instanceof DiskFullError) return 'exhausted';
        throw error;
      }
      refining.applied();
      this.messages = messages;
      for (const span of step.spans) {
        if (this.#spansFrom !== undefined && isLater(this.#spansFrom, span)) this.#earlySpans.note(span);
      }
      if (step.progress !== undefined) return 'more';
    } else if (!refining.isEmpty) return 'more';
    this.#refining = undefined;
    // Before what another process has begun others may stand that nobody knows of.
    if (!refining.isResumed) this.#spansFrom = laterOf(refining.next === BEHIND_ALL ? BEHIND_ALL : justBefore(refining.next), this.#spansFrom ?? BEFORE_ALL);
    return 'more';
  }

  /** Adds what is to be done on the disk to `changes`. */
  prepare(changes: DiskChange[]): void {
    for (const [number, { dueMs, isRefined }] of this.#passed) changes.push({ key: momentKey(this.id, { dueMs, number }, isRefined), value: undefined });
    const { crc32 } = this.#tools;
    const rows = this.#collected;
    rows.firstArrival = this.#next;
    const making = { crc32, timeline: this.id, process: this.#process, rows, order: rows.inOrder(), spansBehind: this.horizon, onlySpans: false };
    this.#made = makeMoments(making, changes);
    changes.push(timelineRecordChange(crc32, this.id, this.#nextRecord()));
  }

  #nextRecord(): TimelineRecord {
    let { messages } = this;
    for (const { count } of this.#passed.values()) messages -= count;
    const made = this.#made.length > 0 ? this.#collected.count : 0;
    return { messages: Math.max(messages + made, 0), next: this.#next + made, process: this.#process, goneMs: this.#goneMs, refining: this.#refining?.progress };
  }

  /** It is done. */
  applied(): void {
    ({ messages: this.messages, next: this.#next } = this.#nextRecord());
    this.#passed.clear();
    for (const moment of this.#made) {
      const { dueMs, number, rows } = moment;
      const addresses = Array.from(rows, (row) => this.#collected.address(row));
      if (isLater(moment, this.horizon)) {
        for (const address of addresses) this.#tools.memory.release(address);
        this.#noteNext(moment);
        continue;
      }
      this.#handed.set(number, { dueMs, count: addresses.length, isRefined: false });
      this.#isHandedOut = true;
      this.#fresh.push({ dueMs, number, addresses, flags: Array.from(rows, (row) => this.#collected.flags(row)) });
    }
    this.#collected.clear();
    this.#made = [];
  }

  /** It was not done: all is as before `prepare`. */
  abandoned(): void {
    this.#made = [];
  }

  #noteNext({ dueMs, number, rows, isSpan: standsInSpan }: MadeMoment): void {
    const { nextMs } = this;
    this.#nextDueMs = Math.min(this.#nextDueMs, dueMs);
    if (standsInSpan) this.#noteSpan({ dueMs, number }, this.#collected.dueMs(rows.at(-1)!));
    if (this.nextMs < nextMs) this.#isNextNew = true;
  }

  /** A span of the group that was written last. */
  #noteSpan(place: Place, untilMs: number): void {
    if (this.#refining === undefined && this.#spansFrom === BEHIND_ALL) this.#spansFrom = justBefore(place);
    else if (this.#refining !== undefined || (this.#spansFrom !== undefined && isLater(this.#spansFrom, place))) {
      this.#earlySpans.note({ ...place, untilMs, first: this.#next - this.#collected.count, last: this.#next - 1 });
    }
  }

  /** Whether what the last commits brought is due earlier than what was next behind the horizon. */
  takeNextNew(): boolean {
    const isNew = this.#isNextNew;
    this.#isNextNew = false;
    return isNew;
  }

  /** What the last commits brought that is due before the horizon: it is the caller's now. */
  takeFresh(): readonly HandedMoment[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  /** The timeline is gone: leases are given back. The keys are removed by whoever calls. */
  drop(): void {
    const { memory, tally } = this.#tools;
    const collected = this.#collected;
    for (let row = 0; row < collected.count; row++) {
      memory.release(collected.address(row));
      tally.collected--;
      tally.collectedBytes -= collected.size(row);
      tally.cancelled++;
    }
    for (const { addresses } of this.#fresh) for (const address of addresses) memory.release(address);
    this.#collected.clear();
    this.#fresh = [];
    tally.settled += this.messages;
  }

  /** Undefined: memory is exhausted, and nothing was taken of it. */
  #toMemory(records: readonly Buffer[]): readonly number[] | undefined {
    const { memory } = this.#tools;
    const addresses: number[] = [];
    for (const record of records) {
      const address = memory.write(record);
      if (address === 0) {
        for (const taken of addresses) memory.release(taken);
        return undefined;
      }
      addresses.push(address);
    }
    return addresses;
  }

  #noteDamage({ dueMs, number }: Place): void {
    this.damage ??= `Of the messages that wait in timeline ${this.id}, those due at ${dueMs} (moment ${number}) do not match their checksum.`;
  }

  /** All that stands on the disk is handed out or passed: it must be what the record says. */
  #checkSum(): void {
    if (this.damage !== undefined) return;
    let found = 0;
    for (const { count } of this.#handed.values()) found += count;
    for (const { count } of this.#passed.values()) found += count;
    if (found !== this.messages) {
      this.damage = `The record of timeline ${this.id} speaks of ${this.messages} messages, and ${found} are there.`;
    }
  }
}
