/** Answers to the publishers of one publish letter, where the queue answers itself: what is not kept by the store, or refused. */
import { letterWith } from '../messages/batch-letters.ts';
import { addConfirm } from '../messages/connection-messages.ts';
import { confirmedType } from '../messages/queue-messages.ts';
import type { ActorContext } from '../runtime/actor.ts';
import type { BatchPool } from '../runtime/batch-pool.ts';
import type { ActorRef } from '../runtime/letter.ts';
import { WordBatch } from '../../src/amqp/channel/queue-link.ts';

export class Confirms {
  readonly #context: ActorContext;
  readonly #pool: BatchPool;
  readonly #batch = new WordBatch();

  constructor(context: ActorContext, pool: BatchPool) {
    this.#context = context;
    this.#pool = pool;
  }

  add(channel: number, sequence: number, refused: boolean): void {
    addConfirm(this.#batch, this.#pool, channel, sequence, refused);
  }

  send(to: ActorRef): void {
    const batch = this.#batch;
    if (batch.count === 0) return;
    this.#context.tell(to, letterWith(confirmedType(to.id), batch));
  }
}
