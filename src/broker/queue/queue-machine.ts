import { type Refusal, ReplyCode, refuse } from '../refusal.ts';
import { Consumers } from './consumers.ts';
import { Contents } from './contents.ts';
import type { Consumer, ConsumerSpec } from './consumer.ts';
import { DelayedRetry } from './delayed-retry.ts';
import { DeliveryLimit, UNLIMITED_DELIVERIES } from './delivery-limit.ts';
import type { DeliveryOrder } from './delivery-order.ts';
import { type DropReason, Dying } from './dying.ts';
import { Expiry } from './expiry.ts';
import { FifoOrder } from './fifo-order.ts';
import { PriorityOrder } from './priority-order.ts';
import { Ledger } from './ledger.ts';
import {
  CONSUMER_COUNT,
  DELAYED_COUNT,
  DELAYED_FLAG,
  DROPPED,
  EXPIRING_FLAG,
  FLAGS_MASK,
  GONE,
  KEPT_FLAG,
  LEVEL_MASK,
  READY,
  READY_COUNT,
  REDELIVERED_FLAG,
  REPEATED_FLAG,
  SETTLED,
  STATE_MASK,
  UNSETTLED,
  UNSETTLED_COUNT,
} from './ledger-layout.ts';
import type { QueueMemory } from './queue-memory.ts';
import type { QueuePort, QueueTraits } from './queue-port.ts';
import { runLength } from './position-run.ts';
import { ReadySize } from './ready-size.ts';
import { Settle } from './settle.ts';

export { type DropReason, type QueuePort, type QueueTraits, Settle };

/** Messages that one `dispatch` delivers at most, so that a long backlog shares its thread. */
export const DISPATCH_MAX = 2048;
/** Messages that one `dropExpired` drops at most, for the same reason. */
export const EXPIRE_MAX = 8192;
/** Messages that one `endDelays` makes ready at most, for the same reason. */
export const RETRY_MAX = 8192;

/**
 * A queue: what is ready, who gets it, what is unsettled. Pure: the contents live in a Ledger, effects leave through a QueuePort.
 *
 * A message is READY from its acceptance, UNSETTLED from its delivery, GONE when it is settled or dropped; where there is a dead-letter
 * exchange it is DYING before that, until its dead letters are safe. Messages that
 * come back keep their position (I5). Which of those that are ready is the next one a DeliveryOrder says.
 *
 * Neighbours: the queue actor (letters to calls), the channel machine (delivery tags to positions).
 */
export class QueueMachine {
  readonly consumers: Consumers;
  readonly contents: Contents;
  readonly #ledger: Ledger;
  readonly #port: QueuePort;
  readonly #traits: QueueTraits;
  readonly #order: DeliveryOrder;
  readonly #size: ReadySize | undefined;
  /** Undefined of a queue without a dead-letter exchange. */
  readonly dying: Dying | undefined;
  readonly #limit: DeliveryLimit | undefined;
  readonly #retry: DelayedRetry | undefined;
  /** Undefined until something here may expire. */
  #expiry: Expiry | undefined = undefined;
  #unsettled = 0;

  constructor(memory: QueueMemory, slot: number, traits: QueueTraits, port: QueuePort) {
    this.#ledger = new Ledger(memory, slot, (position) => port.keptGone(position));
    this.dying = traits.deadLetters === true ? new Dying(this.#ledger) : undefined;
    const { priorities } = traits;
    this.#order = priorities === undefined ? new FifoOrder(this.#ledger) : new PriorityOrder(this.#ledger, priorities);
    this.contents = new Contents(this.#ledger, this.#order, this.dying);
    this.contents.sizeOf = traits.sizeOf;
    this.#size = traits.sizeOf === undefined ? undefined : new ReadySize(this.#ledger, traits.sizeOf);
    const { deliveryLimit, delayedRetry } = traits;
    this.#retry = delayedRetry === undefined ? undefined : new DelayedRetry(delayedRetry, () => traits.times!.nowMs());
    this.#limit = deliveryLimit === undefined ? undefined : new DeliveryLimit(this.#ledger, deliveryLimit);
    this.#traits = traits;
    this.#port = port;
    this.consumers = new Consumers(traits.singleActiveConsumer);
    if (traits.messageTtlMs !== undefined) this.#beginExpiry();
  }

  create(): void {
    this.#ledger.create();
  }

  /** Goes on from what an earlier incarnation left in the ledger. */
  recover(): void {
    const flags = this.#ledger.recover(this.#traits.deliveryLimit ?? UNLIMITED_DELIVERIES);
    if ((flags & EXPIRING_FLAG) !== 0) this.#beginExpiry();
    if (this.#expiry !== undefined) this.#expiry.offeredTo = this.#ledger.tail;
    this.#order.recover();
    this.#retry?.recover(this.#ledger);
    this.contents.recover();
    this.dying?.recover();
    this.#size?.recover();
  }

  get ready(): number {
    return this.#order.size;
  }

  get unsettled(): number {
    return this.#unsettled;
  }

  /** Those that came back and wait for their next delivery. */
  get delayed(): number {
    return this.#retry?.count ?? 0;
  }

  /** Bytes of the bodies of ready messages; 0 of a queue that does not limit them. */
  get readyBytes(): number {
    return this.#size?.bytes ?? 0;
  }

  /** How often the message came back, where its consumers are told so: 0 where they are not. Of a position that the queue holds. */
  deliveries(position: number): number {
    return this.#limit === undefined ? 0 : this.#ledger.deliveries(position);
  }

  counter(word: number): number {
    return this.#ledger.counter(word);
  }

  setCounter(word: number, value: number): void {
    this.#ledger.setCounter(word, value);
  }

  /** Shows the counts to those who only look. */
  showCounts(): void {
    this.#ledger.setCounter(READY_COUNT, this.ready);
    this.#ledger.setCounter(UNSETTLED_COUNT, this.#unsettled);
    this.#ledger.setCounter(DELAYED_COUNT, this.delayed);
    this.#ledger.setCounter(CONSUMER_COUNT, this.consumers.count);
  }

  /** See Ledger.beginLetter. */
  beginLetter(sender: number, number: number): number {
    return this.#ledger.beginLetter(sender, number);
  }

  /** Accepts a message, with one lease on it; `repeated`: it may be here already. Answers false, the lease still the caller's, when memory is exhausted. */
  publish(address: number, kept = false, expiring = false, repeated = false): boolean {
    if (expiring) this.#beginExpiry();
    const position = this.#ledger.tail;
    const mark = this.#order.markOf(address);
    const again = repeated ? REDELIVERED_FLAG | REPEATED_FLAG : 0;
    if (!this.#ledger.append(address, mark | again | (kept ? KEPT_FLAG : 0) | (expiring ? EXPIRING_FLAG : 0))) return false;
    this.#order.added(position);
    this.#size?.add(position);
    return true;
  }

  /** The position that the next message gets. */
  get tail(): number {
    return this.#ledger.tail;
  }

  /** Delivers what can be delivered, at most DISPATCH_MAX. Answers whether it stopped at that limit. */
  dispatch(): boolean {
    let budget = DISPATCH_MAX;
    this.#expiry?.look();
    for (let line = this.consumers.line(); line !== undefined; line = line.first === undefined ? this.consumers.line() : line) {
      const consumer = line.first!;
      if (!consumer.able) {
        line.shift();
        continue;
      }
      if (this.ready === 0) return false;
      if (budget === 0) return true;
      if (this.contents.lacking > 0 && this.nextLacksContent) return false;
      if (this.#expiry !== undefined && this.#nextIsOver(this.#expiry)) {
        if (this.dying?.isFull === true) return false;
        this.dropHead('expired');
        budget--;
        continue;
      }
      // Alone in the line, it gets all that it can take.
      const isAlone = consumer.next === undefined && this.#expiry === undefined && this.contents.lacking === 0;
      const count = isAlone ? Math.min(this.ready, consumer.room, budget) : 1;
      budget -= count;
      for (let left = count; left > 0; left--) this.#deliverNext(consumer);
      line.turn();
    }
    return false;
  }

  #deliverNext(consumer: Consumer): void {
    const position = this.#order.take();
    this.#size?.subtract(position);
    const flags = this.#ledger.deliver(position, consumer.id);
    this.#unsettled++;
    consumer.outstanding++;
    if (consumer.windowed) consumer.onTheWay++;
    this.#port.deliver(consumer, this.#ledger.address(position), position, (flags & REDELIVERED_FLAG) !== 0);
  }

  /**
   * basic.get: delivers the next message to `getter`, outside its limits. Answers false when nothing is ready. Its content must
   * be there, and it must not have expired: `dropExpired`, then ask `nextLacksContent` and `nextIsOver`.
   * With `noAck` the connection reports it as taken, like any delivery without acknowledgement.
   */
  get(getter: Consumer): boolean {
    if (this.ready === 0) return false;
    this.#deliverNext(getter);
    return true;
  }

  /**
   * Ends one delivery to `connection`. A position that is not unsettled there is ignored: the letter speaks of what is
   * already over.
   */
  settle(position: number, how: Settle, connection: number): void {
    const ledger = this.#ledger;
    if (!ledger.holds(position)) return;
    const state = ledger.state(position);
    if ((state & STATE_MASK) !== UNSETTLED) return;
    const consumer = this.consumers.holder(ledger.owner(position));
    if (consumer.spec.connection !== connection) return;
    this.#takeFrom(consumer, 1, how);
    switch (how) {
      case Settle.ack:
      case Settle.taken:
        ledger.remove(position, SETTLED);
        return;
      case Settle.discard:
        this.#die(position, 'rejected');
        return;
      case Settle.requeue:
      case Settle.returned:
        return this.#requeue(position, state, how);
      case Settle.unsent:
        ledger.setState(position, READY | (state & FLAGS_MASK), 0);
        this.#comeBack(position);
        return;
      case Settle.surplus:
        ledger.setState(position, READY | REDELIVERED_FLAG | (state & FLAGS_MASK), 0);
        this.#comeBack(position);
        if ((state & KEPT_FLAG) !== 0) this.#port.keptReturned(position, Math.max(1, ledger.deliveries(position)));
        return;
    }
  }

  /** `settle` of the first `count` positions, in their order. What is settled in the order of its delivery goes together. Hot. */
  settleAll(positions: Int32Array, count: number, how: Settle, connection: number): void {
    for (let index = 0, runEnd = 0; index < count; ) {
      const isFirst = positions[index] === this.#ledger.head && (how === Settle.ack || how === Settle.taken);
      // A run is measured once: what ends it early is no reason to look at the rest of it again and again.
      if (isFirst && index >= runEnd) runEnd = index + runLength(positions, index, count);
      const settled = isFirst ? this.#settleFromHead(runEnd - index, how, connection) : 0;
      index += settled;
      if (settled === 0) this.settle(positions[index++]!, how, connection);
    }
  }

  /** Settles what `connection` holds from the head on, `count` messages at most. Answers how many. */
  #settleFromHead(count: number, how: Settle, connection: number): number {
    const ledger = this.#ledger;
    if (!ledger.holds(ledger.head) || (ledger.state(ledger.head) & STATE_MASK) !== UNSETTLED) return 0;
    const consumer = this.consumers.holder(ledger.owner(ledger.head));
    if (consumer.spec.connection !== connection) return 0;
    const settled = ledger.removeFromHead(consumer.id, count);
    this.#takeFrom(consumer, settled, how);
    return settled;
  }

  /** So many deliveries of a consumer have ended. */
  #takeFrom(consumer: Consumer, count: number, how: Settle): void {
    this.#unsettled -= count;
    consumer.outstanding -= count;
    if (consumer.windowed && (how === Settle.taken || how === Settle.unsent)) consumer.onTheWay -= count;
    if (consumer.retired) this.consumers.forgetIfIdle(consumer);
    else this.consumers.lineUp(consumer);
  }

  /** The consumer had it, or may have. */
  #requeue(position: number, state: number, how: Settle): void {
    const ledger = this.#ledger;
    if (this.#limit?.isReached(position) === true) return this.#die(position, 'delivery_limit');
    const waits = this.#retry?.concerns(how) === true;
    ledger.setState(position, READY | REDELIVERED_FLAG | (waits ? DELAYED_FLAG : 0) | (state & FLAGS_MASK), 0);
    const deliveries = ledger.countDelivery(position);
    if (waits) this.#retry!.add(position, deliveries);
    else this.#comeBack(position);
    if ((state & KEPT_FLAG) !== 0) this.#port.keptReturned(position, deliveries);
  }

  #comeBack(position: number): void {
    this.#order.putBack(position);
    this.#size?.add(position);
  }

  /** Whether there may be something to do although nobody asks for it. */
  get isImpatient(): boolean {
    return this.#expiry !== undefined || this.#retry !== undefined || this.dying !== undefined;
  }

  /** Whether anything here may have to wait for its next delivery. */
  get delaysRetries(): boolean {
    return this.#retry !== undefined;
  }

  /**
   * What has waited long enough is ready again, at most RETRY_MAX. Answers when to do it again: Infinity when nothing waits any more, a
   * time that has passed when there is more.
   */
  endDelays(): number {
    const retry = this.#retry;
    if (retry === undefined) return Infinity;
    for (const position of retry.takeOver(RETRY_MAX)) {
      // Its content may have left the memory meanwhile: then the owner is its size.
      this.#ledger.setState(position, this.#ledger.state(position) & ~DELAYED_FLAG, this.#ledger.owner(position));
      this.#comeBack(position);
    }
    return retry.nextMs;
  }

  /** The connection's socket has taken `count` deliveries of a windowed consumer. */
  taken(consumer: Consumer, count: number): void {
    consumer.onTheWay -= count;
    this.consumers.lineUp(consumer);
  }

  /** The consumer's channel has reached its own limit, or is below it again. */
  setStopped(consumer: Consumer, stopped: boolean): void {
    consumer.stopped = stopped;
    if (!stopped) this.consumers.lineUp(consumer);
  }

  /** Registers a consumer, or says why not (texts: rabbit_amqqueue_process, rabbit_channel). */
  consume(spec: ConsumerSpec): Refusal | Consumer {
    const { title, singleActiveConsumer } = this.#traits;
    const inUse = this.consumers.hasExclusive || (spec.exclusive && this.consumers.count > 0);
    if (inUse || (spec.exclusive && singleActiveConsumer)) {
      return refuse(ReplyCode.accessRefused, `${title} in exclusive use`);
    }
    return this.resubscribe(spec);
  }

  /** Registers a consumer that was accepted before. */
  resubscribe(spec: ConsumerSpec): Consumer {
    const consumer = this.consumers.add(spec);
    this.consumers.activate();
    this.consumers.lineUp(consumer);
    return consumer;
  }

  /** The consumer gets nothing more; what it holds stays with it. */
  cancel(consumer: Consumer): void {
    this.consumers.remove(consumer);
  }

  /**
   * Those whom `isGone` names hold nothing any more. With acknowledgements their deliveries come back, marked as
   * redelivered; without, they were the client's when they were sent.
   */
  returnHeldBy(isGone: (holder: Consumer) => boolean): void {
    const ledger = this.#ledger;
    let left = this.#unsettled;
    for (let position = ledger.head; left > 0 && position !== this.#order.cursor; position = ledger.after(position)) {
      // What was settled here may have moved the head past positions that are over, and their chunks are gone.
      if (!ledger.holds(position) || (ledger.state(position) & STATE_MASK) !== UNSETTLED) continue;
      left--;
      const holder = this.consumers.holder(ledger.owner(position));
      if (isGone(holder)) this.settle(position, holder.spec.noAck ? Settle.taken : Settle.requeue, holder.spec.connection);
    }
  }

  /** Drops the oldest ready message. Only when there is one. Without a reason it is purged. */
  dropHead(reason?: DropReason): void {
    const isPurged = reason === undefined || this.dying === undefined;
    if (isPurged && this.contents.lacking > 0 && this.nextLacksContent) this.contents.lacking--;
    const position = this.#order.take();
    this.#size?.subtract(position);
    if (reason === undefined) this.#ledger.remove(position, DROPPED);
    else this.#die(position, reason);
  }

  /** The message at a position that is in no list any more leaves the queue: at once, or when its dead letters are safe. */
  #die(position: number, reason: DropReason): void {
    this.#port.dropped?.(position, reason);
    if (this.dying === undefined) this.#ledger.remove(position, DROPPED);
    else this.dying.add(position, reason);
  }

  /** Drops what is ready, and what waits to be again. Answers how many; what is unsettled stays. */
  purge(): number {
    const purged = this.ready + this.delayed;
    while (this.ready > 0) this.dropHead();
    for (const position of this.#retry?.takeAll() ?? []) {
      if (this.#ledger.address(position) === 0) this.contents.lacking--;
      this.#ledger.remove(position, DROPPED);
    }
    return purged;
  }

  // ---- what expires

  /** Something here may expire. */
  get expires(): boolean {
    return this.#expiry !== undefined;
  }

  /** Of a message that the store is to keep, what it must know beside the content: EXPIRING_FLAG, LEVEL_MASK. Of a position that the queue holds. */
  lastingFlags(position: number): number {
    if (this.#expiry === undefined && this.#traits.priorities === undefined) return 0;
    return this.#ledger.state(position) & (EXPIRING_FLAG | LEVEL_MASK);
  }

  #beginExpiry(): void {
    if (this.#expiry !== undefined) return;
    const { times, messageTtlMs } = this.#traits;
    if (times === undefined) throw new Error('a queue whose messages expire needs a clock');
    this.#expiry = new Expiry(times, messageTtlMs);
    this.#expiry.offeredTo = this.#ledger.tail;
  }

  /** The next message has expired, and stands there still. Only when one is ready, with its content. */
  get nextIsOver(): boolean {
    return this.#expiry !== undefined && this.#nextIsOver(this.#expiry);
  }

  #nextIsOver(expiry: Expiry): boolean {
    const position = this.#order.next;
    if (!expiry.isOffered(position)) return false;
    return expiry.isOver(expiry.timeOf(this.#ledger.address(position), this.#ledger.state(position)));
  }

  /**
   * Drops what has expired at the head, at most EXPIRE_MAX. After `dispatch`: what may not wait has been offered then. Answers when to do it
   * again: the time when the head expires, or one that has passed; Infinity: never, or when the head's content has come or
   * there is room among the dying.
   */
  dropExpired(): number {
    const expiry = this.#expiry;
    if (expiry === undefined) return Infinity;
    expiry.look();
    expiry.offeredTo = this.#ledger.tail;
    for (let budget = EXPIRE_MAX; this.ready > 0; budget--) {
      if ((this.contents.lacking > 0 && this.nextLacksContent) || this.dying?.isFull === true) return Infinity;
      const position = this.#order.next;
      const timeMs = expiry.timeOf(this.#ledger.address(position), this.#ledger.state(position));
      if (budget === 0 || !expiry.isOver(timeMs)) return timeMs;
      this.dropHead('expired');
    }
    return Infinity;
  }

  // ---- what is in the store

  /** Somebody waits for the next message outside the consumers. */
  isGetWaiting = false;

  /** Whether anybody wants messages, or their time: only then contents are read back. */
  get isAskedFor(): boolean {
    if (this.isGetWaiting || this.consumers.count > 0 || (this.dying !== undefined && this.dying.lacking > 0)) return true;
    return this.#expiry !== undefined && this.ready > 0 && this.#expiry.concerns(this.#ledger.state(this.#order.next));
  }

  /** Whether the next message waits for its content. Only when something is ready. */
  get nextLacksContent(): boolean {
    return this.#ledger.address(this.#order.next) === 0;
  }

  /** Each message that the store keeps, in order, with its flags. */
  eachKept(visit: (position: number, address: number, flags: number, deliveries: number) => void): void {
    const ledger = this.#ledger;
    for (let position = ledger.head; position !== ledger.tail; position = ledger.after(position)) {
      const state = ledger.state(position);
      if ((state & STATE_MASK) === GONE || (state & KEPT_FLAG) === 0) continue;
      visit(position, ledger.address(position), state & FLAGS_MASK, ledger.deliveries(position));
    }
  }

  /** Whether this position is still in the queue, and the store keeps it. */
  isKept(position: number): boolean {
    const ledger = this.#ledger;
    if (!ledger.holds(position)) return false;
    const state = ledger.state(position);
    return (state & STATE_MASK) !== GONE && (state & KEPT_FLAG) !== 0;
  }

  /** The queue is deleted: everything goes. */
  clear(): void {
    this.#retry?.takeAll();
    this.dying?.clear();
    this.#ledger.clear();
    this.#order.clear();
    this.contents.lacking = 0;
    if (this.#size !== undefined) this.#size.bytes = 0;
    this.#unsettled = 0;
  }
}
