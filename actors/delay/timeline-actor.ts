/**
 * The actor of a delayed exchange's timeline: in the place of a queue it takes what is to wait, hands it to the store, and routes what is due.
 *
 * ```
 *  connection --publish--> TimelineActor --delay--> store --confirmed--> connection
 *                            ^        |                `--due: what comes next in time--> window
 *                            |        `--publish--> queues, when its time has come
 *                            `--confirmed-- queues, or the store for persistent messages
 *                                     `--passed--> store: the moment goes
 * ```
 *
 * The store holds a message until every queue that it was routed to has it (I4): what ends in between is routed once more. So a message
 * may come twice after a lost thread or process, and never not at all; what may have gone out before is published as redelivered. Memory holds the messages that are due next, within bounds, and the
 * disk all others.
 */
import type { Actor, ActorContext } from '../runtime/actor.ts';
import type { BatchPool } from '../runtime/batch-pool.ts';
import { type ActorRef, Letter, NO_INTS, RuntimeLetter } from '../runtime/letter.ts';
import { ConnectionLetter } from '../messages/connection-messages.ts';
import { letterWith, sendPublishes } from '../messages/batch-letters.ts';
import { QueueLetter } from '../messages/queue-messages.ts';
import { StoreLetter } from '../messages/store-messages.ts';
import {
  AdvanceResult,
  DELAY_WORDS,
  DUE_WORDS,
  DelayWord,
  TimelineLetter,
  TimelineStoreLetter,
  readLong,
  writeLong,
} from '../messages/timeline-messages.ts';
import { tellEnded } from '../queue/end-notices.ts';
import { PUBLISH_WORDS, PublishMark, type QueueLink, type WordBatch } from '../../src/amqp/channel/queue-link.ts';
import { publishedMs } from '../../src/amqp/message-times.ts';
import { FLAGS, PERSISTENT, SIZE } from '../../src/amqp/stored-message.ts';
import { GENERATION, QUEUE_ID, SLOT_WORDS } from '../../src/broker/queue/ledger-layout.ts';
import type { QueueAnswer, QueueQuestion } from '../../src/broker/queue/queue-question.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import { MomentFlag } from '../../src/store/moment-record.ts';
import { type Place, isLater } from '../../src/store/timeline-keys.ts';
import { type DueRouterSetting, DueRouter, NO_MEMORY } from './due-router.ts';
import type { HeldMoment } from './due-window.ts';
import type { TimelineState } from './timeline-state.ts';

/** With fewer messages in memory the store is asked for more, when more is due soon. At 20,000 a second they last for 0.8 s. */
const WANTED_MESSAGES = 16_384;
/**
 * How long before it is due a message comes into memory, milliseconds; asked is for twice as much, so not for each message. What is due
 * later leaves the memory when it is written: one that stayed there would keep the whole block in which it came.
 */
const AHEAD_MS = 2_000;
/** Messages in memory that wait for their time, and bytes of them; above either the later ones go: the disk has them. */
export const HELD_MESSAGES_MAX = 32_768;
export const HELD_BYTES_MAX = 32 * 1024 * 1024;
const KEPT_MESSAGES = 16_384;
const KEPT_BYTES = 16 * 1024 * 1024;
/** Messages that one turn routes. */
const TURN_MESSAGES_MAX = 2_048;
/** A timer is not armed for longer; then the first message is looked at once more. A day. */
const WAIT_MAX_MS = 86_400_000;
/** Incarnations that begin to route a message. */
const TRIES_MAX = 3;
/** How long to wait for memory, milliseconds. */
const RETRY_MS = 20;
const DUE_TIMER = 1;
const RETRY_TIMER = 2;

export type TimelineSetting = DueRouterSetting & {
  readonly record: QueueRecord;
  readonly store: ActorRef;
  readonly pool: BatchPool;
  readonly slots: Int32Array;
  readonly state: TimelineState;
  /** Something is damaged that cannot be delivered. */
  damaged(what: string): void;
  /** No incarnation follows. */
  ended(): void;
  flushReleases(): void;
};

export class TimelineActor implements Actor {
  readonly #context: ActorContext;
  readonly #setting: TimelineSetting;
  readonly #state: TimelineState;
  readonly #router: DueRouter;
  /** When DUE_TIMER ends; Infinity: it does not run. */
  #armedForMs = Infinity;
  #waitsForMemory = false;
  #finished = false;

  constructor(context: ActorContext, setting: TimelineSetting) {
    this.#context = context;
    this.#setting = setting;
    this.#state = setting.state;
    this.#router = new DueRouter(setting);
    if (this.#state.sessions === 0) this.#state.number(context.self.generation);
    const slot = setting.record.slot * SLOT_WORDS;
    setting.slots[slot + QUEUE_ID] = setting.record.id;
    setting.slots[slot + GENERATION] = context.self.generation;
    // The first one asks for what is due: nobody need ever write to it. A session begins before the first letter is read: what comes after that
    // cannot have gone out yet.
    this.endTurn();
  }

  receive(letter: Letter): void {
    switch (letter.type) {
      case QueueLetter.publish:
        return this.#publish(letter);
      case TimelineLetter.due:
        return this.#due(letter);
      case TimelineLetter.reached:
        return this.#reached(letter);
      case QueueLetter.confirmed:
        return this.#confirmed(letter);
      case QueueLetter.threadLost:
        return this.#threadLost();
      case QueueLetter.question:
        return this.#ask(letter.sender, letter.a, letter.body as QueueQuestion);
      case QueueLetter.end:
        return this.#end();
      case TimelineLetter.damaged:
        return this.#setting.damaged(String(letter.body));
      case RuntimeLetter.timer:
        if (letter.a === RETRY_TIMER) this.#waitsForMemory = false;
        else this.#armedForMs = Infinity;
        return;
    }
  }

  endTurn(): void {
    if (!this.#finished) {
      if (this.#state.session === 0) this.#handOutAnew();
      this.#flushAppends();
      this.#route();
      this.#setting.links.flush(this.#sendLink);
      if (this.#state.passed.count > 0) this.#tellStore(TimelineStoreLetter.passed, this.#state.passed);
      this.#keepWindow();
      this.#armTimer();
    }
    this.#setting.flushReleases();
  }

  stop(): void {
    if (!this.#finished) this.#tellFlying();
    this.#setting.flushReleases();
    if (!this.#finished) return;
    const { slots, record, store } = this.#setting;
    slots[record.slot * SLOT_WORDS + QUEUE_ID] = 0;
    tellEnded(this.#context, store, record);
  }

  /** Nobody hears the answers any more: the next process sends these once more. */
  #tellFlying(): void {
    const { flyingMs } = this.#state;
    if (flyingMs === 0) return;
    const letter = this.#placeLetter(TimelineStoreLetter.ending, 2);
    writeLong(letter.ints, 0, flyingMs);
    this.#context.tell(this.#setting.store, letter);
  }

  // ---- what is to wait

  /** Each message goes over into the batch for the store, which outlives a crash: a letter that is read again has no address for it. */
  #publish(letter: Letter): void {
    const { ints, count, sender } = letter;
    const { memory, pool } = this.#setting;
    const { appends } = this.#state;
    this.#flushAppends();
    this.#state.publisher = { id: sender.id, thread: sender.thread };
    for (let at = 0; at < count; at += PUBLISH_WORDS) {
      const address = ints[at]!;
      if (address === 0) continue;
      const words = appends.room(DELAY_WORDS, pool);
      const to = appends.count;
      const isPersistent = (memory.intsOf(address)[(memory.byteOffsetOf(address) >> 2) + FLAGS]! & PERSISTENT) !== 0;
      writeLong(words, to + 1, publishedMs(memory, address) + this.#router.delayMs(address));
      words[to + 3] = ints[at + 1]!;
      words[to + 4] = ints[at + 2]!;
      const marks = ints[at + 3]!;
      const kept = (isPersistent ? DelayWord.persistent : 0) | ((marks & PublishMark.redelivered) === 0 ? 0 : DelayWord.redelivered);
      words[to + 5] = kept | ((marks & PublishMark.confirm) === 0 ? 0 : DelayWord.confirm);
      words[to] = address;
      ints[at] = 0;
      appends.count = to + DELAY_WORDS;
    }
    this.#flushAppends();
    this.#giveBack(letter);
  }

  #flushAppends(): void {
    const { appends, publisher } = this.#state;
    if (appends.count > 0) this.#tellStore(TimelineStoreLetter.delay, appends, publisher.id, publisher.thread);
  }

  // ---- what is due

  #reached(letter: Letter): void {
    const state = this.#state;
    const { b: result } = letter;
    if (letter.a === state.session && result !== AdvanceResult.none) {
      const nextMs = readLong(letter.ints, 0);
      if (result === AdvanceResult.earlier) state.nextMs = Math.min(state.nextMs, nextMs);
      else {
        state.advancing = false;
        state.receded = undefined;
        state.nextMs = nextMs;
      }
      if (result === AdvanceResult.exhausted) this.#waitForMemory();
    }
    // Read again after a crash it is no answer: the next `advance` may be on its way.
    letter.b = AdvanceResult.none;
    this.#giveBack(letter);
  }

  #due(letter: Letter): void {
    const state = this.#state;
    const { ints, count } = letter;
    const isOurs = letter.a === state.session;
    for (let from = 0, at = 0; at < count; from = at) {
      if (ints[at] === 0) {
        // An incarnation that crashed over this letter has taken it.
        at += DUE_WORDS;
        continue;
      }
      const place = { dueMs: readLong(ints, at + 1), number: readLong(ints, at + 3) };
      while (at < count && readLong(ints, at + 3) === place.number) at += DUE_WORDS;
      const isWanted = isOurs && (state.receded === undefined || !isLater(place, state.receded));
      if (isWanted) this.#hold(place, ints, from, at);
      else for (let message = from; message < at; message += DUE_WORDS) this.#setting.memory.release(ints[message]!);
      for (; from < at; from += DUE_WORDS) ints[from] = 0;
    }
    this.#giveBack(letter);
  }

  #hold(place: Place, words: Int32Array, from: number, to: number): void {
    const { window } = this.#state;
    window.begin();
    for (let at = from; at < to; at += DUE_WORDS) window.put(words[at]!, words[at + 5]!, this.#sizeOf(words[at]!));
    window.end(place);
  }

  /** Bytes of a message's record. */
  #sizeOf(address: number): number {
    const { memory } = this.#setting;
    return memory.intsOf(address)[(memory.byteOffsetOf(address) >> 2) + SIZE]!;
  }

  /** Routes what is due, as far as the window of publishes under way and this turn allow. */
  #route(): void {
    const { window, copies } = this.#state;
    const nowMs = this.#setting.nowMs();
    let budget = TURN_MESSAGES_MAX;
    for (let moment = window.first; moment !== undefined && moment.dueMs <= nowMs; moment = window.first) {
      if (copies.isFull || this.#waitsForMemory) return;
      if (moment.index === -1) moment.index = this.#state.takeOff(moment, moment.addresses.length);
      // A moment is routed as a whole: it is small, and what is under way is bounded by more than its size.
      for (; moment.taken < moment.addresses.length; budget--) if (!this.#routeOne(moment)) return;
      window.shift();
      if (budget <= 0) return this.#context.tell(this.#context.self, new Letter(TimelineLetter.goOn));
    }
  }

  /** Answers false, and nothing has happened, when there is no memory. */
  #routeOne(moment: HeldMoment): boolean {
    const { copies, epoch } = this.#state;
    const address = moment.addresses[moment.taken]!;
    // A message that makes each incarnation crash must not do so for ever. It stays on the disk.
    if (++moment.tries <= TRIES_MAX) {
      const bytes = this.#sizeOf(address);
      // Whoever tried before may have come as far as some of its queues.
      const isAgain = (moment.flags[moment.taken]! & MomentFlag.redelivered) !== 0 || moment.tries > 1;
      const links = this.#router.route(address, epoch, copies.next, isAgain ? PublishMark.redelivered : 0);
      if (links === NO_MEMORY) {
        moment.tries--;
        this.#waitForMemory();
        return false;
      }
      // From the last link on nothing can fail until it is counted: who crashed in between would publish it twice.
      if (links > 0) copies.add(moment.index, links, bytes);
      else this.#state.landed(moment.index);
    }
    moment.taken++;
    moment.tries = 0;
    this.#setting.memory.release(address);
    return true;
  }

  readonly #sendLink = (link: QueueLink): void => sendPublishes(this.#context, link);

  /** Words: | epoch | first sequence | count | 1 refused |. A queue that refuses has answered: there is nobody to tell. */
  #confirmed(letter: Letter): void {
    const { ints, count } = letter;
    for (let at = 0; at < count; at += 4) {
      if (ints[at] === this.#state.epoch) this.#state.copies.answered(ints[at + 1]!, ints[at + 2]!);
    }
    this.#giveBack(letter);
  }

  /** Answers of its queues may be lost: what was not confirmed is handed out once more, and with it what waits in memory. */
  #threadLost(): void {
    const state = this.#state;
    if (!state.copies.isEmpty) this.#handOutAnew();
  }

  /** What is in memory goes, and the store begins with what is due first. Of what a lost thread had sent nobody knows but the clock. */
  #handOutAnew(): void {
    const state = this.#state;
    const goneMs = state.isNew ? Math.floor(this.#setting.nowMs()) : state.flyingMs;
    for (const { addresses, taken } of state.window.clear()) this.#release(addresses.slice(taken));
    state.forgetFlying();
    if (state.passed.count > 0) this.#tellStore(TimelineStoreLetter.passed, state.passed);
    state.session = ++state.sessions;
    state.isNew = false;
    state.advancing = false;
    state.nextMs = 0;
    state.receded = undefined;
    const letter = this.#placeLetter(TimelineStoreLetter.rewind, 2);
    letter.b = state.session;
    writeLong(letter.ints, 0, goneMs);
    this.#context.tell(this.#setting.store, letter);
  }

  // ---- the window

  /** As many messages in memory as are needed soon, and no more than there should be. */
  #keepWindow(): void {
    const state = this.#state;
    const { window } = state;
    if (state.advancing) return;
    if (window.messages > HELD_MESSAGES_MAX || window.bytes > HELD_BYTES_MAX) return this.#recede();
    if (this.#waitsForMemory || window.messages >= WANTED_MESSAGES || window.bytes >= KEPT_BYTES) return;
    const nowMs = Math.floor(this.#setting.nowMs());
    if (state.nextMs > nowMs + AHEAD_MS) return;
    state.advancing = true;
    const letter = this.#placeLetter(TimelineStoreLetter.advance, 2);
    writeLong(letter.ints, 0, nowMs + 2 * AHEAD_MS);
    this.#context.tell(this.#setting.store, letter);
  }

  #recede(): void {
    const state = this.#state;
    const { last, gone } = state.window.keepFirst(KEPT_MESSAGES, KEPT_BYTES);
    if (last === undefined || gone.length === 0) return;
    // What is under way must not be handed out again.
    const place = state.latest(last);
    for (const moment of gone) {
      if (isLater(moment, place)) this.#release(moment.addresses);
      else state.window.add(moment);
    }
    state.receded = place;
    state.nextMs = place.dueMs;
    const letter = this.#placeLetter(TimelineStoreLetter.recede, 4);
    writeLong(letter.ints, 0, place.dueMs);
    writeLong(letter.ints, 2, place.number);
    this.#context.tell(this.#setting.store, letter);
  }

  #placeLetter(type: number, words: number): Letter {
    const letter = new Letter(type);
    letter.a = this.#setting.record.id;
    letter.ints = this.#setting.pool.take(words);
    letter.count = words;
    return letter;
  }

  #armTimer(): void {
    const nowMs = this.#setting.nowMs();
    const wakeMs = Math.min(this.#dueAtMs, this.#askAtMs(nowMs));
    if (wakeMs >= this.#armedForMs) return;
    this.#armedForMs = wakeMs;
    this.#context.armTimer(DUE_TIMER, Math.min(Math.max(Math.ceil(wakeMs - nowMs), 1), WAIT_MAX_MS));
  }

  /** When the first message in memory can be routed. Infinity: a letter comes before that. */
  get #dueAtMs(): number {
    const { window, copies } = this.#state;
    return copies.isFull || this.#waitsForMemory ? Infinity : (window.first?.dueMs ?? Infinity);
  }

  /** When the store is to be asked for what is due later. What could be asked for now waits for a letter, or for room. */
  #askAtMs(nowMs: number): number {
    const askAtMs = this.#state.nextMs - AHEAD_MS;
    return askAtMs > nowMs ? askAtMs : Infinity;
  }

  #waitForMemory(): void {
    this.#waitsForMemory = true;
    this.#context.armTimer(RETRY_TIMER, RETRY_MS);
  }

  // ---- the rest

  #ask(to: ActorRef, request: number, { type }: QueueQuestion): void {
    if (request === 0) return;
    const answer: QueueAnswer = { type: type === 'fence' ? 'fenced' : 'gone' };
    if (type !== 'fence') {
      const letter = new Letter(ConnectionLetter.answer);
      letter.a = request;
      letter.b = this.#context.self.generation;
      letter.body = answer;
      return this.#context.tell(to, letter);
    }
    const letter = new Letter(StoreLetter.fence);
    letter.a = this.#context.self.generation;
    letter.b = to.id;
    letter.c = request;
    letter.body = answer;
    this.#context.tell(this.#setting.store, letter);
  }

  /** The exchange is deleted, and what it held back with it. */
  #end(): void {
    const state = this.#state;
    this.#finished = true;
    for (const { addresses, taken } of state.window.clear()) this.#release(addresses.slice(taken));
    state.forgetFlying();
    this.#setting.ended();
    this.#context.end('deleted');
  }

  #release(addresses: readonly number[]): void {
    for (const address of addresses) this.#setting.memory.release(address);
  }

  #tellStore(type: number, batch: WordBatch | undefined, b = 0, c = 0): void {
    const letter = batch === undefined ? new Letter(type) : letterWith(type, batch);
    letter.a = this.#setting.record.id;
    letter.b = b;
    letter.c = c;
    this.#context.tell(this.#setting.store, letter);
  }

  /** The batch goes back once: a letter that is read again after a crash has none any more. */
  #giveBack(letter: Letter): void {
    if (letter.ints !== NO_INTS) this.#setting.pool.give(letter.ints);
    letter.ints = NO_INTS;
    letter.count = 0;
  }
}
