/**
 * Keeps publishers from running away from consumers that could follow if they had their share of the thread. Publishing to
 * a queue that has a backlog and consumers costs a microsecond a message, from a purse that all publishers of a thread share:
 * a publisher is not read until its turn to spend has come, or until the backlog is gone. While consumers make use of the
 * time the price rises with the backlog. A queue without consumers is never concerned, and one whose consumers are slow by
 * themselves still fills at a million messages a second.
 *
 * And from running away from the store: who publishes to a queue of which too much is under way there waits until it has followed, with
 * consumers or without (actors/queue/under-way.ts).
 *
 * The queue's counts stand in shared memory: looking costs nothing, on whatever thread the queue runs.
 */
import { CONSUMER_COUNT, DELIVERED, READY_COUNT, SLOT_WORDS, STORE_BEHIND } from '../../src/broker/queue/ledger-layout.ts';

/** Ready messages above which a queue with consumers has a backlog, and at which that is over. */
const BACKLOG_HIGH = 1024;
const BACKLOG_LOW = 256;
const PRICE_US = 1;
/** While consumers make use of the time so many ready messages make one that comes dearer by a microsecond, up to this price. */
const BACKLOG_PER_US = 1024;
const PRICE_MAX_US = 16;
/** Fewer messages are not worth a pause. */
const PAUSE_MESSAGES_MIN = 200;
/** No publisher waits longer for its turn, milliseconds. */
const WAIT_MAX_MS = 50;

/** No publisher waits longer for the store without being read, milliseconds: a queue may cease to be served. */
const STORE_WAIT_MAX_MS = 1000;

/** Consumers that take fewer in a millisecond are slow by themselves, and make no use of the time. */
const TAKEN_PER_MS_MIN = 4;
/** How long consumers are watched before that is said, milliseconds: on a busy machine their process waits for a core. */
const WATCH_MS = 4;

/** What the publishers of one thread have spent. */
export class Purse {
  #emptyUntilMs = 0;

  /** Spends, and answers the time until which who spent must wait, milliseconds. */
  spend(us: number, nowMs: number): number {
    const from = Math.max(nowMs, this.#emptyUntilMs);
    this.#emptyUntilMs = Math.min(from + us / 1000, nowMs + WAIT_MAX_MS);
    return this.#emptyUntilMs;
  }

  /** Nobody made use of what was spent. */
  refund(nowMs: number): void {
    this.#emptyUntilMs = Math.min(this.#emptyUntilMs, nowMs);
  }
}

export class PublishThrottle {
  readonly #slots: Int32Array;
  readonly #purse: Purse;
  #slot = 0;
  #messages = 0;
  #debtUs = 0;
  /** Slot of a queue that is ahead of the store and was published to since the last payment; undefined: there is none. */
  #behindAt: number | undefined = undefined;
  /** Slot of the queue whose store the pause in hand waits for; undefined: it is for a backlog. */
  #awaitedAt: number | undefined = undefined;
  /** Consumers make use of the time: so they did when they were watched last, and so it is thought of them at first. */
  #isUsed = true;
  /** Since when; undefined: not yet. */
  #watchedMs: number | undefined = undefined;
  #delivered = 0;

  constructor(slots: Int32Array, purse: Purse) {
    this.#slots = slots;
    this.#purse = purse;
  }

  /** So many messages went to the queue of this slot. */
  published(slot: number, messages: number): void {
    const at = slot * SLOT_WORDS;
    if (this.#slots[at + STORE_BEHIND] !== 0) this.#behindAt = at;
    const ready = this.#slots[at + READY_COUNT]!;
    if (ready < BACKLOG_HIGH || this.#slots[at + CONSUMER_COUNT] === 0) return;
    // Another queue's consumers have to be watched from the beginning.
    if (slot !== this.#slot) this.#watchedMs = undefined;
    this.#slot = slot;
    this.#messages += messages;
    this.#debtUs += messages * (this.#isUsed ? Math.min(PRICE_MAX_US, ready / BACKLOG_PER_US) : PRICE_US);
  }

  /** Until when the publisher should not be read; 0 when it may go on. Paid with the asking. */
  pay(nowMs: () => number): number {
    this.#awaitedAt = this.#behindAt;
    this.#behindAt = undefined;
    if (this.#awaitedAt !== undefined) return nowMs() + STORE_WAIT_MAX_MS;
    if (this.#messages < PAUSE_MESSAGES_MIN) return 0;
    const now = nowMs();
    this.#watch(now);
    const untilMs = this.#purse.spend(this.#debtUs, now);
    this.#messages = 0;
    this.#debtUs = 0;
    return untilMs;
  }

  /** Whether consumers have ceased to make use of a pause that they were granted: then it need not go on. */
  isVain(nowMs: number): boolean {
    if (!this.#isUsed || this.#awaitedAt !== undefined) return false;
    this.#watch(nowMs);
    if (this.#isUsed) return false;
    this.#purse.refund(nowMs);
    return true;
  }

  #watch(nowMs: number): void {
    const sinceMs = this.#watchedMs;
    if (sinceMs !== undefined && nowMs - sinceMs < WATCH_MS) return;
    const delivered = this.#slots[this.#slot * SLOT_WORDS + DELIVERED]!;
    if (sinceMs !== undefined) this.#isUsed = ((delivered - this.#delivered) | 0) >= (nowMs - sinceMs) * TAKEN_PER_MS_MIN;
    this.#watchedMs = nowMs;
    this.#delivered = delivered;
  }

  /** The queue has caught up, or its store. */
  get relieved(): boolean {
    if (this.#awaitedAt !== undefined) return this.#slots[this.#awaitedAt + STORE_BEHIND] === 0;
    return this.#slots[this.#slot * SLOT_WORDS + READY_COUNT]! <= BACKLOG_LOW;
  }
}
