/**
 * x-message-ttl and `expiration`: how long a message may wait (RabbitMQ guide "Time-To-Live and Expiration"). The smaller of the two
 * counts, from the moment of the publish: neither a crash of the queue, nor a return of the message, nor a restart of the node begins it
 * anew. That moment stands in the message itself, so an entry of the queue needs no word for it.
 *
 * Only the head is looked at, as RabbitMQ's classic queues do: what has expired behind a head that has not stays counted, and goes when its
 * turn comes. It is never delivered. A message whose time is 0 is delivered if a consumer can take it when it comes, and else it has expired.
 *
 * A content that is in the store alone says nothing: it is read back like one that a consumer waits for.
 */
import { EXPIRING_FLAG } from './ledger-layout.ts';

/** What an expiring queue knows of time, on one clock. Milliseconds since the epoch. */
export interface MessageTimes {
  nowMs(): number;
  /** When the message at `address` was published. Only of those that expire. */
  publishedMs(address: number): number;
  /** How long the message at `address` may wait, as its publisher says. Milliseconds. Only of entries with EXPIRING_FLAG. */
  expirationMs(address: number): number;
}

export class Expiry {
  readonly #times: MessageTimes;
  /** Infinity: each message says for itself. */
  readonly #ttlMs: number;
  #nowMs = 0;
  /** Messages from this position on have not been offered to the consumers yet, and until then they have not expired. */
  offeredTo = 0;

  constructor(times: MessageTimes, ttlMs: number | undefined) {
    this.#times = times;
    this.#ttlMs = ttlMs ?? Infinity;
  }

  /** Looks at the clock: for all that is asked until the next time. */
  look(): void {
    this.#nowMs = this.#times.nowMs();
  }

  /** Whether a message with this state can expire at all. */
  concerns(state: number): boolean {
    return this.#ttlMs !== Infinity || (state & EXPIRING_FLAG) !== 0;
  }

  /** When the message expires that has its content at `address`. Infinity: never. */
  timeOf(address: number, state: number): number {
    if (!this.concerns(state)) return Infinity;
    const ownMs = (state & EXPIRING_FLAG) === 0 ? Infinity : this.#times.expirationMs(address);
    return this.#times.publishedMs(address) + Math.min(ownMs, this.#ttlMs);
  }

  isOver(timeMs: number): boolean {
    return this.#nowMs >= timeMs;
  }

  isOffered(position: number): boolean {
    return ((position - this.offeredTo) | 0) < 0;
  }
}
