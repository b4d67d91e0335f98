/**
 * What one connection has to tell one queue, collected during a turn and sent as one letter each. The link outlives the
 * incarnations of the queue: a new incarnation gets a new link, so that settles of deliveries that the old one made can be
 * told apart.
 */
import { Settle } from '../../broker/queue/queue-machine.ts';
import type { QueueRecord } from '../../broker/topology/topology-records.ts';

/** Batches of words that are reused; see actors/runtime. */
export interface Batches {
  take(words: number): Int32Array;
  grow(batch: Int32Array): Int32Array;
}

/** Words of one publish in a batch: message address, channel, low bits of the sequence number, PublishMark. */
export const PUBLISH_WORDS = 4;
export const PublishMark = {
  /** An answer is wanted. */
  confirm: 1,
  /** The publisher said how long the message may wait. */
  expiring: 2,
  /** It may have been published before: by an incarnation, a thread or a process that ended meanwhile. */
  redelivered: 4,
} as const;
/** Words of one report of taken deliveries: the consumer's id at its queue, how many. */
export const TAKEN_WORDS = 2;

const FIRST_WORDS = 64;
/** A connection looks for links to queues that are gone when it has this many, and then when they have doubled. */
const LINKS_BEFORE_SWEEP = 1024;

/** A growing batch of words; nothing is held between turns. */
export class WordBatch {
  ints: Int32Array | undefined = undefined;
  count = 0;

  room(words: number, batches: Batches): Int32Array {
    const ints = this.ints;
    if (ints === undefined) return (this.ints = batches.take(FIRST_WORDS));
    if (this.count + words <= ints.length) return ints;
    return (this.ints = batches.grow(ints));
  }

  /** The batch leaves; the caller owns it. */
  clear(): void {
    this.ints = undefined;
    this.count = 0;
  }
}

export class QueueLink {
  /** The connection's number for this link, from 1; delivery ledgers keep it. */
  readonly number: number;
  queue: QueueRecord;
  /** Generation of the incarnation whose deliveries this link settles; 0 until the first answer. */
  generation = 0;
  /** More numbers for this link: of deliveries that may stay unsettled for so many milliseconds. */
  timed: Map<number, number> | undefined = undefined;
  readonly publishes = new WordBatch();
  /** One batch of positions for each way to settle. */
  readonly settles: readonly WordBatch[] = Object.values(Settle).map(() => new WordBatch());
  readonly taken = new WordBatch();
  /** The connection hears when the queue ends or runs again. */
  watched = false;
  /** The queue's thread is lost; it will come back. */
  lost = false;
  /** It has something to send this turn. */
  touched = false;

  constructor(number: number, queue: QueueRecord) {
    this.number = number;
    this.queue = queue;
  }
}

/** The links of one connection. */
export class QueueLinks {
  readonly batches: Batches;
  readonly #byQueue = new Map<number, QueueLink>();
  readonly #byNumber: (QueueLink | undefined)[] = [undefined];
  /** Milliseconds, by number of a link. */
  readonly #timeouts = new Map<number, number>();
  readonly #exists: (queue: QueueRecord) => boolean;
  /** Stands in for dropped links: what is settled there speaks to a queue that is gone. */
  #nowhere: QueueLink | undefined = undefined;
  #sweepAt = LINKS_BEFORE_SWEEP;
  #touched: QueueLink[] = [];

  /** `exists` tells whether a queue is still there, for a connection that only publishes to it and is not told. */
  constructor(batches: Batches, exists: (queue: QueueRecord) => boolean = () => true) {
    this.batches = batches;
    this.#exists = exists;
  }

  to(queue: QueueRecord): QueueLink {
    const known = this.#byQueue.get(queue.id);
    if (known !== undefined) {
      known.queue = queue;
      return known;
    }
    if (this.#byQueue.size >= this.#sweepAt) this.#sweep();
    const link = new QueueLink(this.#byNumber.length, queue);
    this.#byNumber.push(link);
    this.#byQueue.set(queue.id, link);
    return link;
  }

  find(queueId: number): QueueLink | undefined {
    return this.#byQueue.get(queueId);
  }

  all(): readonly QueueLink[] {
    return [...this.#byQueue.values()];
  }

  byNumber(number: number): QueueLink {
    return this.#byNumber[number]!;
  }

  /** A number for deliveries by this link that may stay unsettled for so long. */
  numberFor(link: QueueLink, timeoutMs: number): number {
    link.timed ??= new Map();
    let number = link.timed.get(timeoutMs);
    if (number === undefined) {
      number = this.#byNumber.length;
      this.#byNumber.push(link);
      this.#timeouts.set(number, timeoutMs);
      link.timed.set(timeoutMs, number);
    }
    return number;
  }

  /** How long a delivery under this number may stay unsettled, milliseconds; undefined: as long as the node allows. */
  timeoutOf(number: number): number | undefined {
    return this.#timeouts.get(number);
  }

  /** A new incarnation of the queue: what the old one delivered can no longer be settled. */
  renew(queueId: number): QueueLink | undefined {
    const old = this.#byQueue.get(queueId);
    if (old === undefined) return undefined;
    this.#byQueue.delete(queueId);
    return this.to(old.queue);
  }

  drop(queueId: number): void {
    const link = this.#byQueue.get(queueId);
    if (link === undefined) return;
    this.#byQueue.delete(queueId);
    this.#nowhere ??= new QueueLink(0, link.queue);
    for (const number of [link.number, ...(link.timed?.values() ?? [])]) this.#byNumber[number] = this.#nowhere;
  }

  /** Clients come and go with queues of their own; whoever answers them would keep a link to each for ever. */
  #sweep(): void {
    for (const [queueId, link] of this.#byQueue) {
      if (!link.watched && !link.touched && !this.#exists(link.queue)) this.drop(queueId);
    }
    this.#sweepAt = Math.max(LINKS_BEFORE_SWEEP, 2 * this.#byQueue.size);
  }

  /** `marks`: further ones of PublishMark. */
  publish(link: QueueLink, address: number, channel: number, sequence: number, marks: number): void {
    const batch = link.publishes;
    const ints = batch.room(PUBLISH_WORDS, this.batches);
    const at = batch.count;
    ints[at] = address;
    ints[at + 1] = channel;
    ints[at + 2] = sequence;
    // The sequence number loses its upper bits on the way: this says that there was one.
    ints[at + 3] = sequence === 0 ? marks : marks | PublishMark.confirm;
    batch.count = at + PUBLISH_WORDS;
    if (!link.touched) this.#touch(link);
  }

  settle(link: QueueLink, position: number, how: Settle): void {
    const batch = link.settles[how]!;
    const ints = batch.room(1, this.batches);
    ints[batch.count++] = position;
    if (!link.touched) this.#touch(link);
  }

  /** `count` deliveries of a windowed consumer that needs acknowledgements have been taken. */
  reportTaken(link: QueueLink, consumerId: number, count: number): void {
    const batch = link.taken;
    const ints = batch.room(TAKEN_WORDS, this.batches);
    ints[batch.count] = consumerId;
    ints[batch.count + 1] = count;
    batch.count += TAKEN_WORDS;
    if (!link.touched) this.#touch(link);
  }

  #touch(link: QueueLink): void {
    link.touched = true;
    this.#touched.push(link);
  }

  /** Hands each link that has something to send to `send`, which takes its batches. */
  flush(send: (link: QueueLink) => void): void {
    if (this.#touched.length === 0) return;
    const touched = this.#touched;
    this.#touched = [];
    for (const link of touched) {
      link.touched = false;
      send(link);
    }
  }
}
