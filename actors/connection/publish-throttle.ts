/**
 * Keeps a publisher from running away from consumers that could follow if they had their share of the thread. While a queue
 * it publishes to has a backlog and consumers, the publisher pays a microsecond a message: it is not read for that long,
 * or until the backlog is gone. A queue without consumers, or whose consumers are slow by themselves, still fills at a
 * million messages a second.
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
const PAUSE_MAX_US = 5_000;

export class PublishThrottle {
  readonly #slots: Int32Array;
  #slot = 0;
  #debtUs = 0;

  constructor(slots: Int32Array) {
    this.#slots = slots;
  }

  /** So many messages went to the queue of this slot. */
  published(slot: number, messages: number): void {
    const at = slot * SLOT_WORDS;
    if (this.#slots[at + READY_COUNT]! < BACKLOG_HIGH || this.#slots[at + CONSUMER_COUNT] === 0) return;
    this.#slot = slot;
    this.#debtUs = Math.min(PAUSE_MAX_US, this.#debtUs + messages * MICROSECONDS_PER_MESSAGE);
  }

  /** Microseconds that the publisher should not be read; 0 when it may go on. Paid with the asking. */
  takeDebt(): number {
    const debt = this.#debtUs;
    if (debt < PAUSE_MIN_US) return 0;
    this.#debtUs = 0;
    return debt;
  }

  /** The queue has caught up. */
  get relieved(): boolean {
    return this.#slots[this.#slot * SLOT_WORDS + READY_COUNT]! <= BACKLOG_LOW;
  }
}
