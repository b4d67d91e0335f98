/**
 * Messages that have died in a queue with a dead-letter exchange. They stay in the ledger, neither ready nor unsettled, until whoever
 * makes their copies says that these are safe (`bury`): a crash in between finds them here and makes the copies again. They are taken in
 * the order of death; after a crash in the order of the queue.
 *
 * What was taken is noted as sent in its entry, so that copies that are made again are known to be there twice, perhaps. Of what a process that
 * is gone has sent nobody knows: then all count that it left (UNSURE_TO).
 *
 * ```
 *   READY, UNSETTLED --die--> DYING, waits --take--> DYING, copies under way --bury--> GONE
 *                               ^------- take back ---------'
 * ```
 */
import type { Ledger } from './ledger.ts';
import { DROPPED, DYING, FLAGS_MASK, REPEATED_FLAG, STATE_MASK, UNSURE_TO } from './ledger-layout.ts';

/** RabbitMQ's words, as a dead letter's headers say them. The ledger keeps their places in this list: it only grows at its end. */
export const DROP_REASONS = ['rejected', 'expired', 'maxlen', 'delivery_limit'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Dying messages above which a queue lets what has expired stand at its head. What is rejected or too much has nowhere else to be. */
export const DYING_MAX = 16_384;
/** Waiting messages among which contents are missed that are in the store alone. */
const LOOK_AHEAD = 2048;
/** Beside the reason, in the owner of an entry: its copies were sent, or were about to be. */
const SENT = 0x100;
const COMPACTED_FROM = 1024;

export class Dying {
  readonly #ledger: Ledger;
  #line: number[] = [];
  #first = 0;
  /** In the ledger: those that wait, and those whose copies are under way. */
  count = 0;
  /** Of those that wait: content in the store alone. */
  lacking = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  recover(): void {
    const ledger = this.#ledger;
    for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
      if ((ledger.state(position) & STATE_MASK) === DYING) this.#join(position);
    }
    this.count = this.waiting;
  }

  get waiting(): number {
    return this.#line.length - this.#first;
  }

  get isFull(): boolean {
    return this.count >= DYING_MAX;
  }

  /** The message is in no other list any more. */
  add(position: number, reason: DropReason): void {
    const ledger = this.#ledger;
    ledger.setState(position, DYING | (ledger.state(position) & FLAGS_MASK), DROP_REASONS.indexOf(reason));
    this.count++;
    this.#join(position);
  }

  #join(position: number): void {
    this.#line.push(position);
    if (this.#ledger.address(position) === 0) this.lacking++;
  }

  /** Why the message at a position has died. */
  reasonOf(position: number): DropReason {
    return DROP_REASONS[this.#ledger.owner(position) & ~SENT]!;
  }

  /** Whether copies of the message at a position were sent. */
  isSent(position: number): boolean {
    return (this.#ledger.owner(position) & SENT) !== 0;
  }

  /** Whether a copy of the message at a position may be there before the next one is sent. */
  isRepeated(position: number): boolean {
    const ledger = this.#ledger;
    if ((ledger.state(position) & REPEATED_FLAG) !== 0 || this.isSent(position)) return true;
    const unsureTo = ledger.counter(UNSURE_TO);
    return ((unsureTo - position) | 0) > 0 && ((ledger.tail - unsureTo) | 0) >= 0;
  }

  /** The one that died first of those that wait. Only when there is one. */
  get next(): number {
    return this.#line[this.#first]!;
  }

  /** Takes the next one. Only with its content. */
  take(): number {
    const ledger = this.#ledger;
    const position = this.#line[this.#first++]!;
    ledger.setState(position, ledger.state(position), ledger.owner(position) | SENT);
    if (this.#first === this.#line.length) {
      this.#line = [];
      this.#first = 0;
    } else if (this.#first >= COMPACTED_FROM && this.#first * 2 > this.#line.length) {
      this.#line = this.#line.slice(this.#first);
      this.#first = 0;
    }
    return position;
  }

  /** Copies were lost on their way: these wait again, before all others. In the order in which they were taken. */
  takeBack(positions: readonly number[]): void {
    this.#line = [...positions, ...this.#line.slice(this.#first)];
    this.#first = 0;
  }

  /** The copies of a message that was taken are safe, or there are none. */
  bury(position: number): void {
    this.count--;
    this.#ledger.remove(position, DROPPED);
  }

  /** A content has come. */
  filled(): void {
    this.lacking--;
  }

  /** All of them, in the order of the queue. */
  *positions(): Generator<number, void, undefined> {
    const ledger = this.#ledger;
    if (this.count === 0) return;
    for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
      if ((ledger.state(position) & STATE_MASK) === DYING) yield position;
    }
  }

  /** Positions whose contents are needed first. */
  *wanted(): Generator<number, void, undefined> {
    if (this.lacking === 0) return;
    const end = Math.min(this.#line.length, this.#first + LOOK_AHEAD);
    for (let index = this.#first; index < end; index++) {
      if (this.#ledger.address(this.#line[index]!) === 0) yield this.#line[index]!;
    }
  }

  /** The queue is deleted. */
  clear(): void {
    this.#line = [];
    this.#first = 0;
    this.count = 0;
    this.lacking = 0;
  }
}
