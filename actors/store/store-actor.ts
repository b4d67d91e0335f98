/**
 * The one actor that writes: it collects what queues and the topology hand over, commits all of it as one group, and only then
 * tells who waits. What arrives while a commit blocks this thread is the next group, so groups grow with the load.
 *
 * ```
 *   append, settle, define ... -> collected -> `commit`, a letter to itself behind all that waits -> one transaction
 *     -> confirmed to connections, stored to queues, defined to the topology
 * ```
 *
 * A commit that fails is never tried again: the device may hold anything, so nothing is confirmed from then on and the node stops.
 * Only a full disk is different: nothing was written, the group stays collected and is tried again when there may be room.
 */
import { QueueLetter } from '../messages/queue-messages.ts';
import { AppendWord, APPEND_WORDS, StoreLetter } from '../messages/store-messages.ts';
import type { Actor, ActorContext } from '../runtime/actor.ts';
import type { BatchPool } from '../runtime/batch-pool.ts';
import { type ActorRef, Letter, NO_INTS, RuntimeLetter } from '../runtime/letter.ts';
import { type DiskChange, DiskFullError } from '../../src/store/port.ts';
import type { Store } from '../../src/store/store.ts';
import { tellEmptied } from '../queue/end-notices.ts';
import { GroupAnswers } from './group-answers.ts';
import { TimelineDesk } from './timeline-desk.ts';
import { Settles } from './settles.ts';

/** How long settles alone wait for company, milliseconds: they cost a redelivery when they are lost, and a commit each else. */
const SETTLE_LINGER_MS = 20;
/** How long a full disk is left alone, milliseconds. */
const FULL_RETRY_MS = 500;
/** Bytes of messages in one group: above it the commit does not wait for the letters that are there. */
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
const LINGER_TIMER = 1;
const FULL_TIMER = 2;
const REFINE_TIMER = 3;
/** Between two steps of refining, milliseconds: what has come meanwhile is read, written and answered there. */
const REFINE_PAUSE_MS = 1;

/** What the store actor asks of its thread. */
export interface StoreHost {
  readonly pool: BatchPool;
  /** The disk has no room, or has again. */
  diskFull(full: boolean): void;
  /** Nothing can be confirmed any more: the node must stop. */
  failed(error: unknown): void;
  flushReleases(): void;
}

export class StoreActor implements Actor {
  readonly #context: ActorContext;
  readonly #store: Store;
  readonly #host: StoreHost;
  readonly #answers: GroupAnswers;
  readonly #settles: Settles;
  readonly #timelines: TimelineDesk;
  /** A commit is ordered: a letter to itself that comes behind all that is there. */
  #ordered = false;
  #lingering = false;
  #refines = false;
  #full = false;
  /** A commit failed. Nothing is written or answered any more. */
  #failed = false;

  /** Sender and number of the letter that was read last: after a crash it is given again, and must not be carried out again. */
  #lastThread = -1;
  #lastNumber = 0;

  /** `before` is the incarnation that crashed: what it had collected waits for the next commit. */
  constructor(context: ActorContext, store: Store, host: StoreHost, before: StoreActor | undefined) {
    this.#context = context;
    this.#store = store;
    this.#host = host;
    this.#answers = before === undefined ? new GroupAnswers(host.pool) : before.#answers;
    this.#settles = before === undefined ? new Settles(store) : before.#settles;
    this.#timelines = before === undefined ? new TimelineDesk(store, host.pool) : before.#timelines;
    if (before === undefined) return;
    this.#full = before.#full;
    this.#failed = before.#failed;
    this.#lastThread = before.#lastThread;
    this.#lastNumber = before.#lastNumber;
    // Its timers went with it.
    if (this.#full) context.armTimer(FULL_TIMER, FULL_RETRY_MS);
  }

  /** Something that was handed over is lost: nothing after it may be written or answered. */
  giveUp(): void {
    this.#failed = true;
  }

  receive(letter: Letter): void {
    const { thread } = letter.sender;
    if (letter.type >= 0x100 && letter.number === this.#lastNumber && thread === this.#lastThread) return;
    this.#carryOut(letter);
    this.#lastNumber = letter.number;
    this.#lastThread = thread;
  }

  #carryOut(letter: Letter): void {
    switch (letter.type) {
      case StoreLetter.append:
        this.#append(letter);
        break;
      case StoreLetter.settle:
        for (let at = 0; at < letter.count; at += 2) this.#settles.add(letter.a, letter.ints[at]!, letter.ints[at + 1]!);
        break;
      case StoreLetter.returned:
        for (let at = 0; at < letter.count; at += 2) this.#store.returned(letter.a, letter.ints[at]!, letter.ints[at + 1]!);
        break;
      case StoreLetter.unsure:
        this.#store.unsure(letter.a, letter.b);
        break;
      case StoreLetter.read:
        this.#read(letter);
        break;
      case StoreLetter.retain:
        this.#store.retain(letter.a, letter.ints, letter.count, letter.b, letter.c === 1);
        break;
      case StoreLetter.forget:
        this.#settles.forget(letter.a);
        this.#store.forget(letter.a);
        this.#answers.forget(letter.a);
        this.#timelines.forget(letter.a);
        tellEmptied(this.#context, letter.a, letter.b);
        break;
      case StoreLetter.fence:
        this.#answers.fence(letter);
        break;
      case StoreLetter.define:
        for (const { key, value } of letter.body as readonly DiskChange[]) this.#store.put(key, value);
        this.#answers.defined(letter.a);
        break;
      case StoreLetter.commit:
        this.#ordered = false;
        this.#commit();
        return;
      case RuntimeLetter.timer:
        if (letter.a === REFINE_TIMER) return this.#refine();
        if (letter.a === LINGER_TIMER) this.#lingering = false;
        this.#commit();
        return;
      default:
        if (this.#heardByTimelines(letter) && this.#store.collectedBytes > GROUP_BYTES_MAX) this.#commit();
    }
    if (letter.ints.length > 0) {
      this.#host.pool.give(letter.ints);
      letter.ints = NO_INTS;
      letter.count = 0;
    }
  }

  endTurn(): void {
    this.#host.flushReleases();
    if (this.#store.timelines.isRefining && !this.#refines && !this.#failed) {
      this.#refines = true;
      this.#context.armTimer(REFINE_TIMER, REFINE_PAUSE_MS);
    }
    if (this.#ordered || this.#full || this.#failed) return;
    const { waiting } = this.#store;
    if (waiting === 'urgent' || this.#answers.waiting || this.#settles.waiting) {
      this.#ordered = true;
      this.#context.tell(this.#context.self, new Letter(StoreLetter.commit));
    } else if (waiting === 'lazy' && !this.#lingering) {
      this.#lingering = true;
      this.#context.armTimer(LINGER_TIMER, SETTLE_LINGER_MS);
    }
  }

  stop(): void {
    do this.#commit();
    while (this.#settles.waiting && !this.#failed && !this.#full);
    this.#host.flushReleases();
  }

  #refine(): void {
    this.#refines = false;
    if (!this.#failed) this.#guarded(() => this.#store.refine());
  }

  /** Answers false for a letter that is for nobody, and when nothing can be written any more. */
  #heardByTimelines(letter: Letter): boolean {
    return !this.#failed && this.#guarded(() => this.#timelines.receive(letter, this.#answers, this.#tell)) === true;
  }

  /** What may commit beside the groups. */
  #guarded<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      // Another one is a crash, after which the letter is read again.
      if (this.#store.failure === undefined) throw error;
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#host.failed(error);
  }

  #append(letter: Letter): void {
    const { ints, count, a: queue, b: publisher, c: thread } = letter;
    const answers = this.#answers;
    for (let at = 0; at < count; at += APPEND_WORDS) {
      const address = ints[at]!;
      const position = ints[at + 1]!;
      const flags = ints[at + 4]!;
      if (address !== 0) this.#store.append(queue, position, address, flags & AppendWord.keptBits);
      if ((flags & AppendWord.confirm) !== 0) answers.confirm(publisher, thread, ints[at + 2]!, ints[at + 3]!);
    }
    answers.appended(letter.sender, queue, ints[count - APPEND_WORDS + 1]!, ints[count - 1]! & AppendWord.keptBits);
    if (this.#store.collectedBytes > GROUP_BYTES_MAX) this.#commit();
  }

  #read(letter: Letter): void {
    const { ints, count } = letter;
    const answer = new Letter(QueueLetter.content);
    answer.a = letter.b;
    answer.ints = this.#host.pool.take(Math.max(2 * count, 2));
    let damagedAt: number | undefined;
    const found = (position: number, address: number): void => {
      answer.ints[answer.count++] = position;
      answer.ints[answer.count++] = address;
      if (address === -1) damagedAt ??= position;
    };
    // As long as a full disk keeps the mark of a clean stop there, the next start would hand out as new what is delivered now.
    if (this.#store.marked) for (let index = 0; index < count; index++) found(ints[index]!, 0);
    else this.#store.read(letter.a, ints, count, found);
    const queue = withoutGeneration(letter.sender);
    this.#context.tell(queue, answer);
    if (damagedAt !== undefined) this.#tellDamage(queue, letter.a, damagedAt);
  }

  #tellDamage(to: ActorRef, queue: number, position: number): void {
    const letter = new Letter(QueueLetter.damaged);
    letter.a = position;
    letter.body = this.#store.damageOf(queue) ?? `The message at position ${position} is missing.`;
    this.#context.tell(to, letter);
  }

  readonly #tell = (to: ActorRef, letter: Letter): void => this.#context.tell(to, letter);

  #commit(): void {
    if (this.#failed) return;
    this.#settles.nextGroup();
    if (this.#store.waiting === 'nothing' && !this.#answers.waiting) return;
    try {
      if (this.#store.waiting !== 'nothing') this.#store.commit();
    } catch (error) {
      if (!(error instanceof DiskFullError)) return this.#fail(error);
      if (!this.#full) this.#host.diskFull(true);
      this.#full = true;
      return this.#context.armTimer(FULL_TIMER, FULL_RETRY_MS);
    }
    if (this.#full) this.#host.diskFull(false);
    this.#full = false;
    this.#answers.send(this.#tell);
    this.#timelines.handOver(this.#tell);
    this.#host.flushReleases();
  }
}

function withoutGeneration({ thread, id }: ActorRef): ActorRef {
  return { thread, id, generation: 0 };
}
