/**
 * Keeps publishers from running away from consumers that could follow if they had their share of the thread. Publishing to
 * a queue that has a backlog and consumers costs a microsecond a message, from a purse that all publishers of a thread
 * share: a publisher is not read until its turn to spend has come, or until the backlog is gone. A queue without consumers
 * is never concerned, and one whose consumers are slow by themselves still fills at a million messages a second.
 *
 * The queue's counts stand in shared memory: looking costs nothing, on whatever thread the queue runs.
 */
import { CONSUMER_COUNT, READY_COUNT, SLOT_WORDS } from '../../src/broker/queue/ledger-layout.ts';

/** Ready messages above which a queue with consumers has a backlog, and at which that is over. */
const BACKLOG_HIGH = 1024;
const BACKLOG_LOW = 256;
const MICROSECONDS_PER_MESSAGE = 1;
/** Debts below this are not worth a pause. */
const PAUSE_MIN_US = 200;
/** No publisher waits longer for its turn, milliseconds. */
const WAIT_MAX_MS = 50;

/** What the publishers of one thread have spent. */
export class Purse {
  #emptyUntilMs = 0;

  /** Spends, and answers the time until which who spent must wait, milliseconds. */
  spend(us: number, nowMs: number): number {
    const from = Math.max(nowMs, this.#emptyUntilMs);
    this.#emptyUntilMs = Math.min(from + us / 1000, nowMs + WAIT_MAX_MS);
    return this.#emptyUntilMs;
  }
}

export class PublishThrottle {
  readonly #slots: Int32Array;
  readonly #purse: Purse;
  #slot = 0;
  #debtUs = 0;

  constructor(slots: Int32Array, purse: Purse) {
    this.#slots = slots;
    this.#purse = purse;
  }

  /** So many messages went to the queue of this slot. */
  published(slot: number, messages: number): void {
    const at = slot * SLOT_WORDS;
    if (this.#slots[at + READY_COUNT]! < BACKLOG_HIGH || this.#slots[at + CONSUMER_COUNT] === 0) return;
    this.#slot = slot;
    this.#debtUs += messages * MICROSECONDS_PER_MESSAGE;
  }

  /** Until when the publisher should not be read; 0 when it may go on. Paid with the asking. */
  pay(nowMs: () => number): number {
    if (this.#debtUs < PAUSE_MIN_US) return 0;
    const untilMs = this.#purse.spend(this.#debtUs, nowMs());
    this.#debtUs = 0;
    return untilMs;
  }

  /** The queue has caught up. */
  get relieved(): boolean {
    return this.#slots[this.#slot * SLOT_WORDS + READY_COUNT]! <= BACKLOG_LOW;
  }
}
