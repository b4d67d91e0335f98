/**
 * A queue's side of the store: what it hands over, takes back and lets go of. Letters leave behind each publish letter and at the
 * end of a turn; the store confirms to the publishers itself, so that a crash here cannot lose an answer.
 *
 * What the store has been told stands in the slot (APPENDED), because the next incarnation goes on from there: what it accepted and did
 * not hand over it hands over then, and what it settled without a word the store hears by `retain`.
 */
import { letterWith } from '../messages/batch-letters.ts';
import { APPEND_WORDS, AppendWord, StoreLetter } from '../messages/store-messages.ts';
import type { ActorContext } from '../runtime/actor.ts';
import type { BatchPool } from '../runtime/batch-pool.ts';
import { type ActorRef, Letter, NOBODY } from '../runtime/letter.ts';
import { Unrecoverable } from '../runtime/unrecoverable.ts';
import { PublishMark, WordBatch } from '../../src/amqp/channel/queue-link.ts';
import { QueueLetter } from '../messages/queue-messages.ts';
import { UnderWay } from './under-way.ts';
import { RESIDENT } from '../../src/broker/queue/contents.ts';
import { APPENDED, DAMAGED, EXPIRING_FLAG, LETTER_TAIL, LEVEL_MASK, PAGED_FLAG, REDELIVERED_FLAG, REPEATED_FLAG, STORE_BEHIND, STORED } from '../../src/broker/queue/ledger-layout.ts';
import type { Dying } from '../../src/broker/queue/dying.ts';
import type { QueueMachine } from '../../src/broker/queue/queue-machine.ts';
import { AppendFlag } from '../../src/store/store.ts';

/** What a queue needs to be kept. */
export type KeepingSetting = {
  readonly queue: number;
  readonly store: ActorRef;
  readonly pool: BatchPool;
  /** Appends that have not left yet, each with its lease: they outlive the incarnation that collects them. */
  readonly unsent: WordBatch;
  /** A lease for the store. */
  hold(address: number): void;
  release(address: number): void;
  /** Contents take more memory than they should: those that are not needed soon must go. */
  isMemoryShort(): boolean;
  /** They take so much that no more should come before others have gone. */
  isMemoryScarce(): boolean;
  /** Bytes of the body. */
  sizeOf(address: number): number;
  /** Whether the body has more holders than one queue: then the store keeps it once. */
  isShared(address: number): boolean;
};

/** Messages that one `read` asks for. */
const READ_MAX = 2048;
/** Messages that one turn looks at to page them out. */
const PAGE_OUT_MAX = 8192;
/** Words of one `returned` after a crash, which may concern a whole backlog. */
const RETURNED_WORDS_MAX = 8192;
/** How long a read that found no memory waits for the next, milliseconds. */
const READ_RETRY_MS = 20;
export const READ_TIMER = 2;
/** What a message is that was published as one that may be there twice. */
const AGAIN = AppendFlag.redelivered | AppendFlag.repeated;
/** In place of an address in `content`. */
export const UNREADABLE = -1;

export class Keeping {
  readonly #context: ActorContext;
  readonly #setting: KeepingSetting;
  readonly #machine: QueueMachine;
  readonly #appends: WordBatch;
  readonly #settles = new WordBatch();
  readonly #returns = new WordBatch();
  readonly #kept = new UnderWay();
  readonly #pages = new UnderWay();
  /** A `read` is on its way: the next one waits for its answer. */
  #reading = false;
  #forgotten = false;
  /** Paged messages below it are stored; undefined: this incarnation has paged nothing. */
  #pagedFrom: number | undefined = undefined;

  constructor(context: ActorContext, setting: KeepingSetting, machine: QueueMachine) {
    this.#context = context;
    this.#setting = setting;
    this.#machine = machine;
    this.#appends = setting.unsent;
    this.#giveBackUnsent();
  }

  /** What an incarnation that crashed had collected and not handed over is collected anew. */
  #giveBackUnsent(): void {
    const batch = this.#appends;
    while (batch.count > 0) {
      batch.count -= APPEND_WORDS;
      this.#setting.release(batch.ints![batch.count]!);
    }
  }

  /** An incarnation before this one may not have told everything. */
  resume(): void {
    const machine = this.#machine;
    const through = machine.counter(APPENDED);
    const stored = machine.counter(STORED);
    const live = new WordBatch();
    const paged = new WordBatch();
    const unpaged: number[] = [];
    machine.eachKept((position, address, flags, deliveries) => {
      if ((flags & PAGED_FLAG) !== 0) {
        addRun(paged, position, this.#setting.pool);
        // Whether it was handed over is unknown; once more does no harm.
        if (address !== 0) unpaged.push(position);
        return;
      }
      const isRedelivered = (flags & REDELIVERED_FLAG) !== 0;
      if (((position - through) | 0) < 0) {
        addRun(live, position, this.#setting.pool);
        // What the incarnation before had delivered came back by its end: the store would hand it out as new after a clean stop.
        if (isRedelivered) this.#cameBack(position, Math.max(1, deliveries));
      }
      // What was handed over last may have been lost with its thread; what was not is a repetition to the store.
      if (((position - stored) | 0) >= 0 && address !== 0) this.append(address, position, 0, 0, false, againOf(flags));
    });
    const letter = this.#letter(StoreLetter.retain, live);
    letter.b = through;
    this.#tell(letter);
    const ofPaged = this.#letter(StoreLetter.retain, paged);
    ofPaged.b = machine.tail;
    ofPaged.c = 1;
    this.#tell(ofPaged);
    this.flushAppends(NOBODY);
    this.#flushReturns();
    for (const position of unpaged) this.#page(position, machine.contents.address(position));
    this.#flushPaged();
  }

  /**
   * The store gets what is to be kept of the publish letter in hand, the `index`th that was accepted, and confirms it. `marks`: PublishMark. False:
   * it is not to be kept, or has gone already.
   */
  keep(index: number, channel: number, sequence: number, marks: number): boolean {
    const machine = this.#machine;
    const position = (machine.counter(LETTER_TAIL) + index) | 0;
    if (!machine.isKept(position)) return false;
    const again = (marks & PublishMark.redelivered) === 0 ? 0 : AGAIN;
    this.append(machine.contents.address(position), position, channel, sequence, (marks & PublishMark.confirm) !== 0, again);
    return true;
  }

  /** The message at `position` is to be kept; the answer to its publisher, if there is to be one, is the store's from now on. `again`: of AGAIN. */
  append(address: number, position: number, channel: number, sequence: number, confirm: boolean, again: number): void {
    const shared = this.#setting.isShared(address) ? AppendFlag.shared : 0;
    const lasting = this.#machine.lastingFlags(position);
    const expiring = (lasting & EXPIRING_FLAG) === 0 ? 0 : AppendFlag.expiring;
    const flags = expiring | (lasting & LEVEL_MASK) | (confirm ? AppendWord.confirm : 0) | again | shared;
    this.#add(this.#kept, address, position, channel, sequence, flags);
  }

  #add(underWay: UnderWay, address: number, position: number, channel: number, sequence: number, flags: number): void {
    underWay.add(position, this.#setting.sizeOf(address));
    const batch = this.#appends;
    const ints = batch.room(APPEND_WORDS, this.#setting.pool);
    const at = batch.count;
    // From here to the end nothing is read or called: a crash between the lease and its place would lose it.
    this.#setting.hold(address);
    ints[at] = address;
    ints[at + 1] = position;
    ints[at + 2] = channel;
    ints[at + 3] = sequence;
    ints[at + 4] = flags;
    batch.count = at + APPEND_WORDS;
  }

  /** Hands over what was appended for a publisher. Before its publish letter is put away. */
  flushAppends({ id, thread }: ActorRef): void {
    const batch = this.#appends;
    if (batch.count === 0) return;
    const last = batch.ints![batch.count - APPEND_WORDS + 1]!;
    const letter = this.#letter(StoreLetter.append, batch);
    letter.b = id;
    letter.c = thread;
    this.#tell(letter);
    // It never falls: `resume` hands over again what was handed over before.
    if (((last + 1 - this.#machine.counter(APPENDED)) | 0) > 0) this.#machine.setCounter(APPENDED, (last + 1) | 0);
  }

  /** The queue has let go of a message that the store keeps. */
  settled(position: number): void {
    if (this.#forgotten) return;
    addRun(this.#settles, position, this.#setting.pool);
  }

  /** A message that the store keeps came back. */
  returned(position: number, deliveries: number): void {
    if (this.#forgotten) return;
    const batch = this.#returns;
    const ints = batch.room(2, this.#setting.pool);
    ints[batch.count++] = position;
    ints[batch.count++] = deliveries;
  }

  /** The process ends in order, and these die: at the next start they are in the queue again, as delivered before, and so die again. */
  stillDying(dying: Dying): void {
    let lastSent: number | undefined;
    for (const position of dying.positions()) {
      if (!this.#machine.isKept(position)) continue;
      this.#cameBack(position, Math.max(1, this.#machine.deliveries(position)));
      if (dying.isSent(position)) lastSent = position;
    }
    this.#flushReturns();
    if (lastSent === undefined) return;
    const letter = new Letter(StoreLetter.unsure);
    letter.a = this.#setting.queue;
    letter.b = lastSent;
    this.#tell(letter);
  }

  #cameBack(position: number, deliveries: number): void {
    this.returned(position, deliveries);
    if (this.#returns.count >= RETURNED_WORDS_MAX) this.#flushReturns();
  }

  #flushReturns(): void {
    if (this.#returns.count > 0) this.#tell(this.#letter(StoreLetter.returned, this.#returns));
  }

  /** What was collected in a turn leaves; contents that are needed soon are asked for. Memory is let go of only if that is `harmless`. */
  endTurn(harmless: boolean): void {
    if (this.#settles.count > 0) this.#tell(this.#letter(StoreLetter.settle, this.#settles));
    this.#flushReturns();
    this.#readAhead();
    const short = this.#setting.isMemoryShort();
    // What is left goes with the next turns: a long backlog must not hold up its thread.
    if (harmless && (short || this.#machine.ready > RESIDENT) && this.#pageOut(short)) this.#context.tell(this.#context.self, new Letter(QueueLetter.goOn));
    this.#showBehind(this.#kept.isFull || (this.#pages.isFull && this.#setting.isMemoryScarce()));
  }

  /** Publishers look there. */
  #showBehind(isBehind: boolean): void {
    const behind = isBehind && !this.#forgotten ? 1 : 0;
    if (this.#machine.counter(STORE_BEHIND) !== behind) this.#machine.setCounter(STORE_BEHIND, behind);
  }

  #readAhead(): void {
    if (this.#reading || this.#machine.contents.lacking === 0 || !this.#machine.isAskedFor) return;
    const wanted = this.#setting.pool.take(READ_MAX);
    const count = this.#machine.contents.wanted(wanted, READ_MAX);
    if (count === 0) return this.#setting.pool.give(wanted);
    const letter = new Letter(StoreLetter.read);
    letter.a = this.#setting.queue;
    letter.b = this.#context.self.generation;
    letter.ints = wanted;
    letter.count = count;
    this.#reading = true;
    this.#tell(letter);
  }

  /**
   * `content`. What was settled meanwhile is let go of again. Of what is damaged `damaged` tells, which follows.
   */
  content(letter: Letter): void {
    const { ints, count } = letter;
    let filled = 0;
    for (let at = 0; at < count; at += 2) {
      const address = ints[at + 1]!;
      if (address === 0 || address === UNREADABLE) continue;
      filled++;
      const isWanted = this.#machine.contents.fill(ints[at]!, address);
      // The lease has found its place: whoever reads this letter again after a crash must not give it back.
      ints[at + 1] = 0;
      if (!isWanted) this.#setting.release(address);
    }
    if (letter.a !== this.#context.self.generation) return;
    // Without memory for any of them the next attempt waits a little; others are about to be settled.
    if (filled > 0) this.#reading = false;
    else this.#context.armTimer(READ_TIMER, READ_RETRY_MS);
  }

  /**
   * `damaged`. Throws: the queue is not served any more, by this incarnation or another, because a message that was confirmed must not
   * be skipped in silence. A message that has left the queue meanwhile harms nobody.
   */
  damaged(letter: Letter): void {
    if (!this.#machine.contents.lacks(letter.a)) return;
    this.#machine.setCounter(DAMAGED, 1);
    throw new Unrecoverable(String(letter.body));
  }

  /** READ_TIMER. */
  readAgain(): void {
    this.#reading = false;
  }

  /** `stored`. */
  stored(letter: Letter): void {
    const { contents } = this.#machine;
    if ((letter.c & 1) !== 0) {
      this.#machine.setCounter(STORED, letter.a);
      this.#kept.stored(letter.a);
    }
    if ((letter.c & 2) === 0) return;
    contents.paged(this.#pagedFrom ?? 0, letter.b);
    this.#pagedFrom = letter.b;
    this.#pages.stored(letter.b);
  }

  /** Lets go of some contents that are not needed soon. Answers whether there is more of that to do. */
  #pageOut(short: boolean): boolean {
    const { contents } = this.#machine;
    const more = contents.pageOut(PAGE_OUT_MAX, this.#machine.counter(STORED), short, this.#page, () => !this.#pages.isFull);
    this.#flushPaged();
    return more;
  }

  #flushPaged(): void {
    if (this.#appends.count > 0) this.#tell(this.#letter(StoreLetter.append, this.#appends));
  }

  readonly #page = (position: number, address: number): void => {
    this.#pagedFrom ??= position;
    const shared = this.#setting.isShared(address) ? AppendFlag.shared : 0;
    this.#add(this.#pages, address, position, 0, 0, AppendFlag.paged | shared);
  };

  /** A question whose answer must come behind all confirms. */
  fence(connection: number, request: number, body: unknown): void {
    const letter = new Letter(StoreLetter.fence);
    letter.a = this.#context.self.generation;
    letter.b = connection;
    letter.c = request;
    letter.body = body;
    this.#tell(letter);
  }

  /** The queue is deleted: what it lets go of now the store lets go of with it. */
  forget(): void {
    this.#forgotten = true;
    this.#showBehind(false);
    this.#settles.clear();
    this.#returns.clear();
  }

  #letter(type: number, batch: WordBatch): Letter {
    const letter = letterWith(type, batch);
    letter.a = this.#setting.queue;
    return letter;
  }

  #tell(letter: Letter): void {
    this.#context.tell(this.#setting.store, letter);
  }
}

/** AppendFlag by the flags of an entry. */
function againOf(flags: number): number {
  return ((flags & REDELIVERED_FLAG) === 0 ? 0 : AppendFlag.redelivered) | ((flags & REPEATED_FLAG) === 0 ? 0 : AppendFlag.repeated);
}

/** Adds a position to runs | position | count |. */
function addRun(batch: WordBatch, position: number, pool: BatchPool): void {
  const { ints, count } = batch;
  if (count > 0 && ((ints![count - 2]! + ints![count - 1]!) | 0) === position) {
    ints![count - 1]!++;
    return;
  }
  const roomy = batch.room(2, pool);
  roomy[count] = position;
  roomy[count + 1] = 1;
  batch.count = count + 2;
}
