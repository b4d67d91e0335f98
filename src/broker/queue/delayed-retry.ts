/**
 * x-delayed-retry-type, -min and -max: what comes back waits before it is ready again, the longer the more often it came back (RabbitMQ guide
 * "Quorum Queues", "Delayed Retry"): min(min * count, max). RabbitMQ knows it on quorum queues from 4.3, here every queue may have it.
 *
 * ```
 *   UNSETTLED --comes back--> READY, DELAYED_FLAG --its time is over--> READY, at its old position (I5)
 * ```
 *
 * What waits is neither ready nor unsettled: it blocks nobody, counts towards no limit, and is in no count that a client sees. It does not
 * expire before it is ready again. A purge takes it.
 *
 * A crash begins the waiting anew, for what waited; the time itself stands nowhere but here. What was unsettled then comes back at once,
 * because no consumer has failed. A restart of the node ends all waiting: the store keeps how often a message came back, not that it waits.
 */
import type { Ledger } from './ledger.ts';
import { DELAYED_FLAG, READY, READY_MASK } from './ledger-layout.ts';
import { Settle } from './settle.ts';

/**
 * Which returns wait. `failed`: what a consumer rejected, or held when its channel or connection ended. `returned`: nack with requeue and
 * basic.recover.
 */
export const RETRY_TYPES = ['all', 'failed', 'returned'] as const;
export type RetryType = (typeof RETRY_TYPES)[number];

export type RetryPolicy = { readonly type: RetryType; readonly minMs: number; readonly maxMs: number };

/**
 * Those that wait, by the time at which they are ready again: a binary heap, the earliest first, the older position of two alike. In two
 * arrays of numbers, because a queue may have millions of them.
 */
export class DelayedRetry {
  readonly #policy: RetryPolicy;
  readonly #nowMs: () => number;
  #times: number[] = [];
  #positions: number[] = [];

  constructor(policy: RetryPolicy, nowMs: () => number) {
    this.#policy = policy;
    this.#nowMs = nowMs;
  }

  /** After a crash: what waited begins anew. */
  recover(ledger: Ledger): void {
    for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
      if ((ledger.state(position) & READY_MASK) === (READY | DELAYED_FLAG)) this.add(position, ledger.deliveries(position));
    }
  }

  get count(): number {
    return this.#times.length;
  }

  /** Whether what comes back in this way waits. */
  concerns(how: Settle): boolean {
    const { type } = this.#policy;
    return type === 'all' || (type === 'returned') === (how === Settle.returned);
  }

  /** The message came back for the `deliveries`th time. */
  add(position: number, deliveries: number): void {
    const { minMs, maxMs } = this.#policy;
    const timeMs = this.#nowMs() + Math.min(minMs * Math.max(deliveries, 1), maxMs);
    let hole = this.#times.push(timeMs) - 1;
    this.#positions.push(position);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#comesAfter(parent, timeMs, position)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#put(hole, timeMs, position);
  }

  /** When the next one is ready again; Infinity: nothing waits. */
  get nextMs(): number {
    return this.#times.length === 0 ? Infinity : this.#times[0]!;
  }

  /** Takes those whose time is over, at most `max`, the earliest first. */
  *takeOver(max: number): Generator<number, void, undefined> {
    const nowMs = this.#nowMs();
    for (; max > 0 && this.nextMs <= nowMs; max--) yield this.#pop();
  }

  /** Takes all of them, in no order. */
  takeAll(): readonly number[] {
    const positions = this.#positions;
    this.#times = [];
    this.#positions = [];
    return positions;
  }

  #pop(): number {
    const position = this.#positions[0]!;
    const lastTime = this.#times.pop()!;
    const last = this.#positions.pop()!;
    if (this.#times.length > 0) this.#sink(lastTime, last);
    return position;
  }

  #sink(timeMs: number, position: number): void {
    const size = this.#times.length;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#comesAfter(child, this.#times[child + 1]!, this.#positions[child + 1]!)) child++;
      if (this.#comesAfter(child, timeMs, position)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#put(hole, timeMs, position);
  }

  /** Whether what stands at `index` is ready later than this one. */
  #comesAfter(index: number, timeMs: number, position: number): boolean {
    const other = this.#times[index]!;
    return other === timeMs ? ((this.#positions[index]! - position) | 0) > 0 : other > timeMs;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#positions[to] = this.#positions[from]!;
  }

  #put(index: number, timeMs: number, position: number): void {
    this.#times[index] = timeMs;
    this.#positions[index] = position;
  }
}
