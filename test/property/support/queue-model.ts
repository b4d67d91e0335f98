/** A queue as one would write it without a thought for speed: one list, and consumers that hold parts of it. */
import * as assert from 'uvu/assert';
import type { Consumer, ConsumerSpec } from '../../../src/broker/queue/consumer.ts';

export type Entry = {
  readonly position: number;
  readonly address: number;
  /** 0 where the queue tells none apart. */
  readonly priority: number;
  redelivered: boolean;
  /** How often it came back. */
  deliveries: number;
  /** It came back and waits until then; undefined: it does not. */
  readyAtMs: number | undefined;
  /** Who holds it; undefined while it is ready or waits. */
  holder: Holder | undefined;
  /** Its connection has said that the socket took it. */
  reported: boolean;
};

/** Somebody who may hold deliveries: a consumer, or a channel that used basic.get. */
export class Holder {
  readonly spec: ConsumerSpec;
  readonly getter: boolean;
  readonly order: number;
  /** The consumer of the queue under test that this one describes. */
  readonly real: Consumer;
  stopped = false;
  retired = false;
  outstanding = 0;
  unreported = 0;
  ableSince = Infinity;
  /** Moments of the last delivery and of the one before. */
  lastAt = -1;

  constructor(spec: ConsumerSpec, real: Consumer, getter: boolean, order: number) {
    this.spec = spec;
    this.real = real;
    this.getter = getter;
    this.order = order;
  }

  is(connection: number, channel: number): boolean {
    return this.spec.connection === connection && (channel === 0 || this.spec.channel === channel);
  }
}

export class QueueModel {
  readonly #single: boolean;
  readonly #window: number;
  /** In order of position. */
  entries: Entry[] = [];
  tail: number;
  accepted = 0;
  settled = 0;
  dropped = 0;
  holders: Holder[] = [];
  active: Holder | undefined = undefined;
  #moment = 0;

  constructor(start: number, single: boolean, window: number) {
    this.tail = start;
    this.#single = single;
    this.#window = window;
  }

  /** The next one first. */
  get ready(): Entry[] {
    const ready = this.entries.filter((entry) => entry.holder === undefined && entry.readyAtMs === undefined);
    return ready.sort((a, b) => b.priority - a.priority);
  }

  get delayed(): Entry[] {
    return this.entries.filter((entry) => entry.readyAtMs !== undefined);
  }

  get unsettled(): Entry[] {
    return this.entries.filter((entry) => entry.holder !== undefined);
  }

  get consumers(): Holder[] {
    return this.holders.filter((holder) => !holder.getter && !holder.retired);
  }

  able(holder: Holder): boolean {
    if (holder.getter || holder.retired || holder.stopped || (this.#single && holder !== this.active)) return false;
    const { noAck, prefetch } = holder.spec;
    return (noAck || prefetch === 0 || holder.outstanding < prefetch) && holder.unreported < this.#window;
  }

  accept(address: number, priority: number): void {
    const fresh = { redelivered: false, deliveries: 0, readyAtMs: undefined, holder: undefined, reported: false };
    this.entries.push({ position: this.tail, address, priority, ...fresh });
    this.tail = (this.tail + 1) | 0;
    this.accepted++;
  }

  add(holder: Holder): void {
    this.holders.push(holder);
    this.activate();
    this.refresh();
  }

  /** Without an active one, the first in order is it. */
  activate(): void {
    if (!this.#single || this.active !== undefined) return;
    this.active = [...this.consumers].sort((a, b) => a.order - b.order)[0];
  }

  retire(holder: Holder): void {
    holder.retired = true;
    if (this.active === holder) this.active = undefined;
    this.activate();
    this.refresh();
  }

  /** Notes who is able now; who was able all the time keeps the moment in which that began. */
  refresh(): void {
    this.#moment++;
    for (const holder of this.holders) {
      if (!this.able(holder)) holder.ableSince = Infinity;
      else if (holder.ableSince === Infinity) holder.ableSince = this.#moment;
    }
  }

  /** Is this delivery the right one, to the right consumer? Then the model has it too. */
  deliver(to: Consumer, address: number, position: number, redelivered: boolean): void {
    const holder = this.holders.find((each) => each.real === to);
    assert.ok(holder !== undefined, `consumer ${to.id} is not known`);
    const [oldest] = this.ready;
    assert.equal({ position, address, redelivered }, only(oldest), 'the next one is delivered');
    if (!holder.getter) this.#checkTurn(holder);
    oldest!.holder = holder;
    oldest!.reported = false;
    holder.outstanding++;
    if (isWindowed(holder, this.#window)) holder.unreported++;
    holder.lastAt = this.#moment;
    this.refresh();
  }

  #checkTurn(holder: Holder): void {
    assert.ok(this.able(holder), `consumer ${holder.spec.key} can take nothing now`);
    for (const other of this.consumers) {
      if (other === holder || !this.able(other)) continue;
      assert.ok(other.spec.priority <= holder.spec.priority, 'a higher priority goes first');
      const passedOver = other.ableSince <= holder.lastAt && other.lastAt < holder.lastAt;
      if (other.spec.priority === holder.spec.priority) {
        assert.not(passedOver, `consumer ${holder.spec.key} had two turns, ${other.spec.key} none`);
      }
    }
  }

  /** The delivery is over; `back` puts the message back to its place. */
  release(entry: Entry, back: 'redelivered' | 'marked' | 'as it was' | undefined, counter: 'settled' | 'dropped' = 'settled'): void {
    if (entry.holder !== undefined) entry.holder.outstanding--;
    entry.holder = undefined;
    if (back === 'redelivered' || back === 'marked') entry.redelivered = true;
    if (back === 'redelivered') entry.deliveries++;
    if (back === undefined) {
      this.entries = this.entries.filter((each) => each !== entry);
      this[counter]++;
    }
    this.forgetIdle();
  }

  forgetIdle(): void {
    this.holders = this.holders.filter((holder) => !holder.retired || holder.outstanding > 0);
    this.refresh();
  }

  /** A crash: nobody holds anything, and what was held is marked. */
  crash(): void {
    for (const entry of this.unsettled) {
      entry.redelivered = true;
      entry.holder = undefined;
    }
    this.holders = [];
    this.active = undefined;
  }
}

/** A consumer without a limit that acknowledgements could reach is bounded by reports of its socket. */
export function isWindowed({ spec }: Holder, window: number): boolean {
  return spec.noAck || spec.prefetch === 0 || spec.prefetch > window;
}

function only(entry: Entry | undefined): object | undefined {
  if (entry === undefined) return undefined;
  const { position, address, redelivered } = entry;
  return { position, address, redelivered };
}
