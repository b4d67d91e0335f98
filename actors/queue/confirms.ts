/** Answers to the publishers of one publish letter, where the queue answers itself: what is not kept by the store, or refused. */
import { CONFIRM_WORDS, ConnectionLetter } from '../messages/connection-messages.ts';
import type { ActorContext } from '../runtime/actor.ts';
import type { BatchPool } from '../runtime/batch-pool.ts';
import { type ActorRef, Letter } from '../runtime/letter.ts';
import { WordBatch } from '../../src/amqp/channel/queue-link.ts';

export class Confirms {
  readonly #context: ActorContext;
  readonly #pool: BatchPool;
  readonly #batch = new WordBatch();

  constructor(context: ActorContext, pool: BatchPool) {
    this.#context = context;
    this.#pool = pool;
  }

  /** Runs of sequence numbers of one channel are one entry. */
  add(channel: number, sequence: number, refused: boolean): void {
    const batch = this.#batch;
    const last = batch.count - CONFIRM_WORDS;
    const held = batch.ints;
    const flag = refused ? 1 : 0;
    if (
      last >= 0 &&
      held![last] === channel &&
      held![last + 3] === flag &&
      ((held![last + 1]! + held![last + 2]!) | 0) === sequence
    ) {
      held![last + 2]!++;
      return;
    }
    const ints = batch.room(CONFIRM_WORDS, this.#pool);
    ints[batch.count] = channel;
    ints[batch.count + 1] = sequence;
    ints[batch.count + 2] = 1;
    ints[batch.count + 3] = flag;
    batch.count += CONFIRM_WORDS;
  }

  send(to: ActorRef): void {
    const batch = this.#batch;
    if (batch.count === 0) return;
    const letter = new Letter(ConnectionLetter.confirmed);
    letter.ints = batch.ints!;
    letter.count = batch.count;
    batch.clear();
    this.#context.tell(to, letter);
  }
}
