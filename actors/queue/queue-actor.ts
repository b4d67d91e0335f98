/**
 * Runs one queue: letters to calls of its machine, and what the machine does back to letters. The contents live outside,
 * in shared memory (src/broker/queue): a crash at any point costs an incarnation and nothing else.
 *
 * What an incarnation leaves behind when it crashes, and how the next one goes on:
 *  - accepted messages stand in the ledger; a publish letter that was in hand is given again, and the ledger knows how
 *    much of it is done;
 *  - everything unsettled is ready again, marked as redelivered;
 *  - connections that watch this actor hear of the new incarnation, forget what the old one delivered, and subscribe their
 *    consumers again. Nothing is delivered or let go of before all have (I7, unsynced.ts).
 */
import type { Actor, ActorContext } from '../runtime/actor.ts';
import { type ActorRef, Letter, NO_INTS, RuntimeLetter } from '../runtime/letter.ts';
import { ConnectionLetter } from '../messages/connection-messages.ts';
import { QueueLetter } from '../messages/queue-messages.ts';
import { FLAGS, PERSISTENT } from '../../src/amqp/stored-message.ts';
import { PUBLISH_WORDS, PublishMark } from '../../src/amqp/channel/queue-link.ts';
import { describe } from '../../src/broker/name.ts';
import { readQueueOptions } from '../../src/broker/queue-options.ts';
import type { Consumer, ConsumerSpec } from '../../src/broker/queue/consumer.ts';
import {
  ACTIVE_CONNECTION,
  ACTIVE_KEY,
  GENERATION,
  HAD_CONSUMER,
  LETTER_ANSWERED,
  QUEUE_ID,
} from '../../src/broker/queue/ledger-layout.ts';
import { lengthLimit } from '../../src/broker/queue/length-limit.ts';
import { QueueMachine, type QueuePort, Settle } from '../../src/broker/queue/queue-machine.ts';
import type { QueueAnswer, QueueQuestion } from '../../src/broker/queue/queue-question.ts';
import { Admission } from './admission.ts';
import { Confirms } from './confirms.ts';
import { DEAD_LETTER_TIMER, DeadLetters } from './dead-letters.ts';
import { DeliveryOutboxes } from './delivery-outboxes.ts';
import { askToVanish, tellCancelled, tellEnded } from './end-notices.ts';
import { Getting } from './getting.ts';
import { Keeping, READ_TIMER } from './keeping.ts';
import { Unsynced } from './unsynced.ts';
import { type QueueSetting, keepingSetting, publisherOf, traitsOf, wordOf } from './queue-setting.ts';
import { recall } from './recalling.ts';
import { EXPIRY_TIMER, LEASE_TIMER, RETRY_TIMER, TimeLimits } from './time-limits.ts';

/** How long a new incarnation waits for connections that should subscribe again, milliseconds. */
const RESYNC_TIMEOUT_MS = 5_000;
const RESYNC_TIMER = 1;

type PendingAnswer = { readonly to: ActorRef; readonly request: number };

export class QueueActor implements Actor, QueuePort {
  readonly #context: ActorContext;
  readonly #setting: QueueSetting;
  readonly #machine: QueueMachine;
  readonly #outboxes: DeliveryOutboxes;
  readonly #admission: Admission;
  readonly #confirms: Confirms;
  readonly #getting: Getting;
  readonly #keeping: Keeping | undefined;
  /** Undefined of a queue without a dead-letter exchange. */
  readonly #deadLetters: DeadLetters | undefined;
  /** Persistent messages are kept. */
  readonly #durable: boolean;
  /** Connections that may hold deliveries or have consumers here. */
  readonly #peers = new Map<number, ActorRef>();
  readonly #unsynced = new Unsynced();
  /** Consumers of the incarnation before may still come back: that there are none now says nothing. */
  #resyncing = false;
  /** Cancels of the last consumer of an auto-delete queue: answered when the queue is gone. */
  #vanishing: PendingAnswer[] = [];
  readonly #timeLimits: TimeLimits;
  #state: 'running' | 'vanishing' | 'ending' = 'running';
  /** It is deleted and holds nothing any more. */
  #finished = false;

  constructor(context: ActorContext, setting: QueueSetting) {
    this.#context = context;
    this.#setting = setting;
    const { record, memory, pool, deadLetters } = setting;
    const options = readQueueOptions(record.arguments);
    const traits = traitsOf(setting, options, describe('queue', record.vhost, record.name));
    this.#machine = new QueueMachine(memory, record.slot, traits, this);
    this.#deadLetters = deadLetters === undefined ? undefined : new DeadLetters(context, deadLetters, this.#machine, () => setting.times.nowMs());
    const refused = (address: number, repeated: boolean): void => {
      if (options.overflow === 'reject-publish-dlx') this.#deadLetters?.refused(address, repeated);
    };
    this.#admission = new Admission(this.#machine, lengthLimit(options), traits.sizeOf, () => this.#dispatch(), refused, this.#unsynced);
    this.#timeLimits = new TimeLimits(context, this.#machine, setting.times, options.expiresMs);
    this.#outboxes = new DeliveryOutboxes(context, pool, record.id);
    this.#confirms = new Confirms(context, pool);
    this.#getting = new Getting(this.#machine);
    const keeping = keepingSetting(setting);
    this.#durable = record.durable && keeping !== undefined;
    this.#keeping = keeping === undefined ? undefined : new Keeping(context, keeping, this.#machine);
    if (this.#machine.counter(QUEUE_ID) === record.id) this.#recover();
    else {
      this.#machine.create();
      this.#machine.setCounter(QUEUE_ID, record.id);
    }
    this.#machine.setCounter(GENERATION, context.self.generation);
    this.#machine.showCounts();
  }

  #recover(): void {
    this.#machine.recover();
    // Timers are armed and dead letters made in a turn, and perhaps nobody writes to it.
    if (this.#machine.isImpatient) this.#context.tell(this.#context.self, new Letter(QueueLetter.goOn));
    if (this.#context.self.generation > 1) this.#keeping?.resume();
    const connection = this.#machine.counter(ACTIVE_CONNECTION);
    if (connection !== 0) this.#machine.consumers.expect(connection, this.#machine.counter(ACTIVE_KEY));
    for (const watcher of this.#setting.watchers) {
      this.#unsynced.add(watcher.id);
      this.#peers.set(watcher.id, watcher);
      // The watch of the incarnation before tells nobody any more.
      this.#context.watch(watcher);
    }
    this.#resyncing = this.#machine.counter(HAD_CONSUMER) === 1;
    if (this.#resyncing) this.#context.armTimer(RESYNC_TIMER, RESYNC_TIMEOUT_MS);
  }

  receive(letter: Letter): void {
    switch (letter.type) {
      case QueueLetter.publish:
        return this.#publish(letter);
      case QueueLetter.settle:
        return this.#settle(letter);
      case QueueLetter.taken:
        return this.#taken(letter);
      case QueueLetter.stopped:
        return this.#setStopped(letter);
      case QueueLetter.question:
        return this.#ask(letter.sender, letter.a, letter.body as QueueQuestion);
      case QueueLetter.resynced:
        // An incarnation between them may have crashed before it read this: then the connection has not heard of this one yet.
        if (letter.a === this.#context.self.generation) this.#resynced(letter.sender.id);
        return;
      case QueueLetter.released:
        return this.#forgetPeer(letter.sender.id);
      case QueueLetter.end:
        return this.#end();
      case RuntimeLetter.down:
        return this.#connectionDown(letter.sender);
      case QueueLetter.goOn:
        return;
      case QueueLetter.confirmed:
        this.#deadLetters?.confirmed(letter);
        return this.#giveBack(letter);
      case QueueLetter.threadLost:
        return this.#deadLetters?.threadLost();
      case QueueLetter.stored:
        return this.#keeping?.stored(letter);
      case QueueLetter.content:
        this.#keeping?.content(letter);
        this.#giveBack(letter);
        return this.#retryGets();
      case QueueLetter.damaged:
        return this.#keeping?.damaged(letter);
      case RuntimeLetter.timer:
        return this.#timer(letter.a);
    }
  }

  #timer(key: number): void {
    switch (key) {
      case READ_TIMER:
        return this.#keeping?.readAgain();
      case EXPIRY_TIMER:
      case RETRY_TIMER:
        return this.#timeLimits.timerEnded(key);
      case LEASE_TIMER:
        return this.#leaseOver();
      case DEAD_LETTER_TIMER:
        return;
      default:
        return this.#resyncTimedOut();
    }
  }

  /** Deliveries leave once a turn: until then they are only in the ledger, where a crash finds them. */
  endTurn(): void {
    if (this.#machine.delaysRetries && this.#unsynced.none) this.#timeLimits.endDelays(this.#admission);
    if (this.#machine.expires) this.#expire();
    else this.#dispatch();
    if (this.#machine.isGetWaiting && this.#state === 'running') this.#retryGets();
    this.#outboxes.flush();
    this.#deadLetters?.send();
    this.#keeping?.endTurn(this.#unsynced.none);
    this.#setting.flushReleases();
    // What was ready when the queue was deleted stays to be seen: the answer to queue.delete says it.
    if (this.#state !== 'ending') this.#machine.showCounts();
  }

  /** Only now, when no incarnation can follow, another queue may have the slot. */
  stop(): void {
    if (!this.#finished && this.#machine.dying !== undefined) this.#keeping?.stillDying(this.#machine.dying);
    this.#setting.flushReleases();
    if (!this.#finished) return;
    this.#machine.setCounter(QUEUE_ID, 0);
    tellEnded(this.#context, this.#setting.store, this.#setting.record);
  }

  // ---- publishes

  /**
   * The answers leave before the letter is put away: a crash after that would lose them, a crash before it has the letter
   * read again, and what was appended is not appended again (I3, I4).
   */
  #publish(letter: Letter): void {
    const { ints, count, sender, number } = letter;
    const machine = this.#machine;
    const done = machine.beginLetter(publisherOf(sender), number);
    if (done > 0 && machine.counter(LETTER_ANSWERED) === number) return this.#giveBack(letter);
    let accepted = 0;
    for (let at = 0; at < count; at += PUBLISH_WORDS) {
      const marks = ints[at + 3]!;
      const isConfirmWanted = (marks & PublishMark.confirm) !== 0;
      // Without an address it was refused before a crash, and its lease is over.
      let address = ints[at]!;
      if (address !== 0 && accepted >= done && !this.#accept(address, marks)) {
        ints[at] = 0;
        this.#setting.memory.release(address);
        address = 0;
      }
      if (address === 0) {
        if (isConfirmWanted) this.#confirms.add(ints[at + 1]!, ints[at + 2]!, this.#state !== 'ending');
        continue;
      }
      accepted++;
      if (this.#durable && this.#keeping!.keep(accepted - 1, ints[at + 1]!, ints[at + 2]!, marks)) continue;
      if (isConfirmWanted) this.#confirms.add(ints[at + 1]!, ints[at + 2]!, false);
    }
    if (machine.expires) this.#expire();
    this.#confirms.send(sender);
    this.#keeping?.flushAppends(sender);
    machine.setCounter(LETTER_ANSWERED, number);
    this.#giveBack(letter);
  }

  keptGone(position: number): void {
    this.#keeping?.settled(position);
  }

  keptReturned(position: number, deliveries: number): void {
    this.#keeping?.returned(position, deliveries);
  }

  #accept(address: number, marks: number): boolean {
    if (this.#state === 'ending') return false;
    return this.#admission.accept(address, this.#durable && (wordOf(this.#setting.memory, address, FLAGS) & PERSISTENT) !== 0, marks);
  }

  #dispatch(): void {
    if (this.#state !== 'running' || !this.#unsynced.none) return;
    while (this.#machine.dispatch()) this.#outboxes.flush();
  }

  /** What expires is offered first: what may not wait is for whom takes it at once. Then the timer is for the head. */
  #expire(): void {
    this.#dispatch();
    if (this.#state !== 'running' || !this.#unsynced.none) return;
    this.#timeLimits.expire();
    this.#retryGets();
  }

  #retryGets(): void {
    this.#getting.retry(this.#answerGet);
  }

  readonly #answerGet = (to: ActorRef, request: number, answer: QueueAnswer): void => this.#answer({ to, request }, answer);

  /** The batch goes back once: a letter that is read again after a crash in the last moment has none any more. */
  #giveBack(letter: Letter): void {
    this.#outboxes.giveBack(letter.ints);
    letter.ints = NO_INTS;
    letter.count = 0;
  }

  // ---- deliveries and settles

  deliver(consumer: Consumer, address: number, position: number, redelivered: boolean): void {
    if (this.#getting.takes(consumer, address, position, redelivered)) return;
    this.#outboxes.add(consumer, address, position, redelivered ? 1 + this.#machine.deliveries(position) : 0);
  }

  #settle(letter: Letter): void {
    if (letter.a !== this.#context.self.generation) return this.#giveBack(letter);
    const { ints, count } = letter;
    const how = letter.b as Settle;
    const connection = letter.sender.id;
    this.#machine.settleAll(ints, count, how, connection);
    if (how === Settle.requeue || how === Settle.returned || how === Settle.surplus) this.#admission.keepTo();
    this.#giveBack(letter);
  }

  #taken(letter: Letter): void {
    if (letter.a === this.#context.self.generation) {
      for (let at = 0; at < letter.count; at += 2) {
        const consumer = this.#machine.consumers.byId(letter.ints[at]!);
        if (consumer?.spec.connection === letter.sender.id) this.#machine.taken(consumer, letter.ints[at + 1]!);
      }
    }
    this.#giveBack(letter);
  }

  #setStopped(letter: Letter): void {
    if (letter.a !== this.#context.self.generation) return;
    const consumer = this.#machine.consumers.byId(letter.b);
    if (consumer?.spec.connection === letter.sender.id) this.#machine.setStopped(consumer, letter.c === 1);
  }

  // ---- questions

  #ask(from: ActorRef, request: number, question: QueueQuestion): void {
    const answer = this.#answerTo(from, request, question);
    if (answer !== undefined) this.#answer({ to: from, request }, answer);
  }

  #answer({ to, request }: PendingAnswer, answer: QueueAnswer): void {
    if (request === 0) return;
    // What was delivered before comes before: a consumer whose cancel is answered is not known any more.
    this.#outboxes.flush();
    const letter = new Letter(ConnectionLetter.answer);
    letter.a = request;
    letter.b = this.#context.self.generation;
    letter.body = answer;
    this.#context.tell(to, letter);
  }

  /** Undefined: the answer comes later. */
  #answerTo(from: ActorRef, request: number, question: QueueQuestion): QueueAnswer | undefined {
    if (this.#state !== 'running' && question.type !== 'detach') return { type: 'gone' };
    this.#timeLimits.asked(question);
    switch (question.type) {
      case 'status':
        return { type: 'status', readyCount: this.#machine.ready, consumerCount: this.#machine.consumers.count };
      case 'consume':
      case 'resubscribe':
        return this.#consume(from, question.spec, question.type === 'resubscribe');
      case 'cancel':
        return this.#cancel(from, request, question.key);
      case 'fence':
        if (this.#keeping === undefined) return { type: 'fenced' };
        this.#keeping.fence(from.id, request, { type: 'fenced' } satisfies QueueAnswer);
        return undefined;
      case 'get':
        this.#watch(from);
        if (!this.#unsynced.none) return { type: 'empty' };
        return this.#getting.get(from, request, question.spec);
      case 'purge':
        this.#unsynced.whenNone(() => {
          this.#answer({ to: from, request }, { type: 'purged', count: this.#machine.purge() });
          this.#retryGets();
        });
        return undefined;
      case 'recall':
        return recall(this.#machine.contents, this.#setting);
      case 'detach':
        this.#detach(from.id, question.channel);
        return { type: 'detached' };
    }
  }

  #consume(from: ActorRef, spec: ConsumerSpec, again: boolean): QueueAnswer {
    const result = this.#known(spec) ?? (again ? this.#machine.resubscribe(spec) : this.#machine.consume(spec));
    if ('code' in result) return { type: 'refused', refusal: result };
    this.#watch(from);
    this.#machine.setCounter(HAD_CONSUMER, 1);
    this.#noteActive();
    return { type: 'consuming', consumerId: result.id, order: result.order, windowed: result.windowed };
  }

  /** Only around a crash is a consumer announced twice: a letter is read again, or a connection heard of the crash late. */
  #known({ connection, key }: ConsumerSpec): Consumer | undefined {
    return this.#context.self.generation === 1 ? undefined : this.#machine.consumers.find(connection, key);
  }

  #watch(peer: ActorRef): void {
    if (this.#peers.has(peer.id)) return;
    this.#peers.set(peer.id, peer);
    this.#context.watch(peer);
  }

  #noteActive(): void {
    const active = this.#machine.consumers.active;
    this.#machine.setCounter(ACTIVE_CONNECTION, active?.spec.connection ?? 0);
    this.#machine.setCounter(ACTIVE_KEY, active?.spec.key ?? 0);
  }

  #cancel(from: ActorRef, request: number, key: number): QueueAnswer | undefined {
    const consumer = this.#machine.consumers.find(from.id, key);
    if (consumer !== undefined) this.#machine.cancel(consumer);
    this.#noteActive();
    if (!this.#unused) return { type: 'cancelled' };
    this.#vanishing.push({ to: from, request });
    this.#vanish();
    return undefined;
  }

  #detach(connection: number, channel: number): void {
    const machine = this.#machine;
    const hadConsumers = machine.consumers.count > 0;
    const isGone = ({ spec }: Consumer): boolean =>
      spec.connection === connection && (channel === 0 || spec.channel === channel);
    // The youngest first: the next in order is looked for each time that the active one goes, and that is the oldest.
    for (const consumer of [...machine.consumers.values()].reverse()) if (isGone(consumer)) machine.cancel(consumer);
    if (this.#state !== 'ending') {
      machine.returnHeldBy(isGone);
      this.#admission.keepTo();
    }
    machine.consumers.forgetGetters(isGone);
    this.#noteActive();
    if (hadConsumers && machine.consumers.count === 0) this.#timeLimits.renew();
    if (this.#unused) this.#vanish();
  }

  // ---- the end of others

  #connectionDown(connection: ActorRef): void {
    this.#getting.forget(connection.id);
    this.#detach(connection.id, 0);
    this.#forgetPeer(connection.id);
    this.#resynced(connection.id);
  }

  #forgetPeer(connection: number): void {
    const peer = this.#peers.get(connection);
    if (peer !== undefined) this.#context.unwatch(peer);
    this.#peers.delete(connection);
    if (this.#state === 'ending' && this.#peers.size === 0) this.#finish();
  }

  #resynced(connection: number): void {
    if (!this.#unsynced.heard(connection)) return;
    this.#resyncing = false;
    this.#machine.consumers.activate();
    this.#noteActive();
    this.#unsynced.release();
    this.#admission.keepTo();
    if (this.#unused) this.#vanish();
  }

  /** Somebody who should have subscribed again did not, and is not known here: it is gone. Who is known is waited for. */
  #resyncTimedOut(): void {
    if (!this.#unsynced.none) return;
    this.#resyncing = false;
    this.#machine.consumers.expectNobody();
    this.#noteActive();
    if (this.#unused) this.#vanish();
  }

  // ---- its own end

  get #unused(): boolean {
    return this.#setting.record.autoDelete && !this.#resyncing && this.#machine.consumers.count === 0 && this.#machine.counter(HAD_CONSUMER) === 1;
  }

  /** x-expires is over. */
  #leaseOver(): void {
    // The last one to go renews.
    if (this.#machine.consumers.count > 0) return;
    if (this.#resyncing || !this.#unsynced.none) return this.#timeLimits.renew();
    this.#vanish();
  }

  /** An auto-delete or expired queue without consumers asks to be deleted, and takes no new ones meanwhile. */
  #vanish(): void {
    if (this.#state !== 'running') return;
    this.#state = 'vanishing';
    askToVanish(this.#context, this.#setting.record);
  }

  /**
   * The queue is deleted. Its messages go when every connection that it delivered to has said that it will not look at
   * them any more.
   */
  #end(): void {
    if (this.#state === 'ending') return;
    this.#state = 'ending';
    this.#machine.showCounts();
    for (const pending of this.#vanishing) this.#answer(pending, { type: 'cancelled' });
    this.#vanishing = [];
    this.#getting.end(this.#answerGet);
    this.#outboxes.flush();
    for (const peer of this.#peers.values()) tellCancelled(this.#context, peer, this.#setting.record, this.#machine.consumers);
    if (this.#peers.size === 0) this.#finish();
  }

  #finish(): void {
    this.#keeping?.forget();
    this.#machine.clear();
    this.#finished = true;
    this.#context.end('deleted');
  }
}
