/**
 * What the actor of a timeline knows: it outlives an incarnation that crashes, because all of it can be found again only on the disk, and
 * then twice. A thread that is lost takes it along; the next incarnation begins with what the disk has.
 */
import { WordBatch } from '../../src/amqp/channel/queue-link.ts';
import { moved } from '../../src/store/columns.ts';
import { BEFORE_ALL, type Place, laterOf } from '../../src/store/timeline-keys.ts';
import { CopiesUnderWay } from '../queue/copies-under-way.ts';
import { DueWindow } from './due-window.ts';

/** Sessions and epochs of one state; more threads are not lost in its life. */
const NUMBERS = 1 << 12;

const FIRST_CAPACITY = 1024;

export class TimelineState {
  readonly window = new DueWindow();
  /** Messages for the store that have not left yet, each with its lease, and whose they are. */
  readonly appends = new WordBatch();
  publisher = { id: 0, thread: 0 };
  /** Moments that are done with, for the store. */
  readonly passed = new WordBatch();
  /** Publishes under way. The place of each is that of its moment among those that fly. */
  readonly copies = new CopiesUnderWay((index) => this.landed(index));
  /** Answers with another epoch are nobody's. */
  epoch = 0;
  /** What the store hands out carries it. 0: something is lost, and everything must be handed out anew. */
  session = 0;
  /** The last one that there was. */
  sessions = 0;
  /** Nothing was ever handed out to it. */
  isNew = true;
  /** An `advance` is on its way. */
  advancing = false;
  /** When the first is due of those that the store has not handed out, or earlier. */
  nextMs = 0;
  /** Everything behind it was let go of, and what still comes is not wanted. */
  receded: Place | undefined = undefined;
  /** Moments some of whose messages are on their way to queues, in columns, as those that wait are: how many messages that are. 0: a free place. */
  #left = new Int32Array(FIRST_CAPACITY);
  #dueMs = new Float64Array(FIRST_CAPACITY);
  #numbers = new Float64Array(FIRST_CAPACITY);
  /** Places below it are in use, or in `#free`. */
  #places = 0;
  readonly #free: number[] = [];
  readonly #done: (number: number) => void;

  /** `done` is told of each moment all of whose messages have found their queues. */
  constructor(done: (number: number, passed: WordBatch) => void) {
    this.#done = (number) => done(number, this.passed);
  }

  /** Sessions and epochs are other ones than those of a state that a lost thread took along. */
  number(generation: number): void {
    this.sessions = generation * NUMBERS;
    this.epoch = generation * NUMBERS;
  }

  /** A moment of so many messages takes off. Answers its index. */
  takeOff({ dueMs, number }: Place, messages: number): number {
    const index = this.#free.pop() ?? this.#places++;
    if (index === this.#left.length) this.#grow(2 * index);
    this.#left[index] = messages;
    this.#dueMs[index] = dueMs;
    this.#numbers[index] = number;
    return index;
  }

  /** One message of a moment has found its queues. */
  landed(index: number): void {
    if (index >= this.#places || this.#left[index] === 0 || --this.#left[index]! > 0) return;
    this.#free.push(index);
    this.#done(this.#numbers[index]!);
  }

  /** What is under way is due then or before; 0: nothing is. */
  get flyingMs(): number {
    return Math.max(this.latest(BEFORE_ALL).dueMs, 0);
  }

  /** The latest of `place` and the moments that are under way: what came late may be due before them. */
  latest(place: Place): Place {
    let latest = place;
    for (let index = 0; index < this.#places; index++) {
      if (this.#left[index]! > 0) latest = laterOf(latest, { dueMs: this.#dueMs[index]!, number: this.#numbers[index]! });
    }
    return latest;
  }

  /** Nothing counts any more that is on its way. */
  forgetFlying(): void {
    this.copies.forget();
    this.#places = 0;
    this.#free.length = 0;
    this.epoch = (this.epoch + 1) | 0;
  }

  #grow(capacity: number): void {
    this.#left = moved(this.#left, new Int32Array(capacity));
    this.#dueMs = moved(this.#dueMs, new Float64Array(capacity));
    this.#numbers = moved(this.#numbers, new Float64Array(capacity));
  }
}
