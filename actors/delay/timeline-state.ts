/**
 * What the actor of a timeline knows: it outlives an incarnation that crashes, because all of it can be found again only on the disk, and
 * then twice. A thread that is lost takes it along; the next incarnation begins with what the disk has.
 */
import { WordBatch } from '../../src/amqp/channel/queue-link.ts';
import { BEFORE_ALL, type Place, isLater } from '../../src/store/timeline-keys.ts';
import { CopiesUnderWay } from '../queue/copies-under-way.ts';
import { DueWindow } from './due-window.ts';

/** Sessions and epochs of one state; more threads are not lost in its life. */
const NUMBERS = 1 << 12;

/** A moment some of whose messages are on their way to queues. */
type Flying = { readonly place: Place; left: number };

export class TimelineState {
  readonly window = new DueWindow();
  /** Messages for the store that have not left yet, each with its lease, and whose they are. */
  readonly appends = new WordBatch();
  publisher = { id: 0, thread: 0 };
  /** Moments that are done with, for the store. */
  readonly passed = new WordBatch();
  /** Publishes under way. The place of each is the index of its moment in `#flying`. */
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
  readonly #flying: (Flying | undefined)[] = [];
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
  takeOff(place: Place, messages: number): number {
    const index = this.#free.pop() ?? this.#flying.length;
    this.#flying[index] = { place, left: messages };
    return index;
  }

  /** One message of a moment has found its queues. */
  landed(index: number): void {
    const moment = this.#flying[index];
    if (moment === undefined || --moment.left > 0) return;
    this.#flying[index] = undefined;
    this.#free.push(index);
    this.#done(moment.place.number);
  }

  /** What is under way is due then or before; 0: nothing is. */
  get flyingMs(): number {
    return Math.max(this.latest(BEFORE_ALL).dueMs, 0);
  }

  /** The latest of `place` and the moments that are under way: what came late may be due before them. */
  latest(place: Place): Place {
    let latest = place;
    for (const moment of this.#flying) if (moment !== undefined && isLater(moment.place, latest)) latest = moment.place;
    return latest;
  }

  /** Nothing counts any more that is on its way. */
  forgetFlying(): void {
    this.copies.forget();
    this.#flying.length = 0;
    this.#free.length = 0;
    this.epoch = (this.epoch + 1) | 0;
  }
}
