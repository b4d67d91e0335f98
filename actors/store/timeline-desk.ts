/** What the actors of timelines ask of the store, and what they hear. */
import { letterWith } from '../messages/batch-letters.ts';
import {
  AdvanceResult,
  DELAY_WORDS,
  DUE_WORDS,
  DelayWord,
  NEVER_DUE,
  TimelineLetter,
  TimelineStoreLetter,
  readLong,
  writeLong,
} from '../messages/timeline-messages.ts';
import type { BatchPool } from '../runtime/batch-pool.ts';
import { type ActorRef, Letter } from '../runtime/letter.ts';
import { WordBatch } from '../../src/amqp/channel/queue-link.ts';
import type { Store } from '../../src/store/store.ts';
import type { HandedMoment } from '../../src/store/timeline.ts';
import type { GroupAnswers } from './group-answers.ts';

type Tell = (to: ActorRef, letter: Letter) => void;
/** Who routes a timeline's messages, and his session. */
type Router = { readonly to: ActorRef; readonly session: number; isTold: boolean };

const RESULTS = { more: AdvanceResult.more, reached: AdvanceResult.reached, exhausted: AdvanceResult.exhausted } as const;

export class TimelineDesk {
  readonly #store: Store;
  readonly #pool: BatchPool;
  readonly #routers = new Map<number, Router>();

  constructor(store: Store, pool: BatchPool) {
    this.#store = store;
    this.#pool = pool;
  }

  /** Answers false for a letter that is for somebody else. */
  receive(letter: Letter, answers: GroupAnswers, tell: Tell): boolean {
    switch (letter.type) {
      case TimelineStoreLetter.delay:
        this.#delay(letter, answers);
        return true;
      case TimelineStoreLetter.rewind:
        this.#store.timelines.of(letter.a).rewind(readLong(letter.ints, 0));
        this.#routers.set(letter.a, { to: { ...letter.sender, generation: 0 }, session: letter.b, isTold: false });
        return true;
      case TimelineStoreLetter.ending:
        this.#store.timelines.find(letter.a)?.noteGone(readLong(letter.ints, 0));
        return true;
      case TimelineStoreLetter.advance:
        this.#advance(letter.a, readLong(letter.ints, 0), tell);
        return true;
      case TimelineStoreLetter.recede:
        this.#store.timelines.find(letter.a)?.recede({ dueMs: readLong(letter.ints, 0), number: readLong(letter.ints, 2) });
        return true;
      case TimelineStoreLetter.passed:
        for (let at = 0; at < letter.count; at += 2) this.#store.timelines.find(letter.a)?.pass(readLong(letter.ints, at));
        return true;
      default:
        return false;
    }
  }

  forget(timeline: number): void {
    this.#routers.delete(timeline);
  }

  #delay({ a, b: publisher, c: thread, ints, count }: Letter, answers: GroupAnswers): void {
    const timeline = this.#store.timelines.of(a);
    for (let at = 0; at < count; at += DELAY_WORDS) {
      const flags = ints[at + 5]!;
      timeline.delay(readLong(ints, at + 1), ints[at]!, flags & DelayWord.keptBits);
      if ((flags & DelayWord.confirm) !== 0) answers.confirm(publisher, thread, ints[at + 3]!, ints[at + 4]!);
    }
  }

  #advance(id: number, untilMs: number, tell: Tell): void {
    const router = this.#routers.get(id);
    if (router === undefined) return;
    const batch = new WordBatch();
    // As long as a full disk keeps the mark of a clean stop there, nothing that was recovered may be delivered.
    const result = this.#store.marked ? 'exhausted' : this.#store.advance(id, untilMs, (moment) => this.#add(batch, moment));
    this.#tellNext(id, router, RESULTS[result], tell);
    this.#send(id, router, batch, tell);
  }

  /** The group is on the device: what of it is due soon goes on from memory. */
  handOver(tell: Tell): void {
    this.#store.timelines.takeFresh((id, moments, isNextNew) => {
      const router = this.#routers.get(id);
      const batch = new WordBatch();
      for (const moment of moments) this.#add(batch, moment);
      // Before anybody asked, nothing is before the horizon.
      if (router === undefined) return;
      if (isNextNew) this.#tellNext(id, router, AdvanceResult.earlier, tell);
      this.#send(id, router, batch, tell);
    });
  }

  #add(batch: WordBatch, { dueMs, number, addresses, flags }: HandedMoment): void {
    for (const [index, address] of addresses.entries()) {
      const ints = batch.room(DUE_WORDS, this.#pool);
      const at = batch.count;
      ints[at] = address;
      writeLong(ints, at + 1, dueMs);
      writeLong(ints, at + 3, number);
      ints[at + 5] = flags[index]!;
      batch.count = at + DUE_WORDS;
    }
  }

  #tellNext(id: number, { to, session }: Router, result: number, tell: Tell): void {
    const letter = new Letter(TimelineLetter.reached);
    letter.a = session;
    letter.b = result;
    letter.ints = this.#pool.take(2);
    letter.count = 2;
    writeLong(letter.ints, 0, Math.min(this.#store.timelines.of(id).nextMs, NEVER_DUE));
    tell(to, letter);
  }

  #send(id: number, router: Router, batch: WordBatch, tell: Tell): void {
    if (batch.count > 0) {
      const letter = letterWith(TimelineLetter.due, batch);
      letter.a = router.session;
      tell(router.to, letter);
    }
    const damage = router.isTold ? undefined : this.#store.timelines.find(id)?.damage;
    if (damage === undefined) return;
    router.isTold = true;
    const damaged = new Letter(TimelineLetter.damaged);
    damaged.body = damage;
    tell(router.to, damaged);
  }
}
