import { letterWith } from '../messages/batch-letters.ts';
import { ConnectionLetter, DELIVERY_WORDS } from '../messages/connection-messages.ts';
import type { ActorContext } from '../runtime/actor.ts';
import type { BatchPool } from '../runtime/batch-pool.ts';
import type { ActorRef } from '../runtime/letter.ts';
import type { Consumer } from '../../src/broker/queue/consumer.ts';
import { WordBatch } from '../../src/amqp/channel/queue-link.ts';

type Outbox = { readonly to: ActorRef; readonly batch: WordBatch; waiting: boolean };

/** Deliveries of one turn, one batch a connection. */
export class DeliveryOutboxes {
  readonly #context: ActorContext;
  readonly #pool: BatchPool;
  readonly #queueId: number;
  /** By consumer id: consumers of one connection share an outbox. */
  readonly #ofConsumer = new Map<number, Outbox>();
  readonly #ofConnection = new Map<number, Outbox>();
  #last: Outbox | undefined = undefined;
  #lastConsumer = 0;
  #waiting: Outbox[] = [];

  constructor(context: ActorContext, pool: BatchPool, queueId: number) {
    this.#context = context;
    this.#pool = pool;
    this.#queueId = queueId;
  }

  /** `again`: see ConnectionLetter.deliver. */
  add(consumer: Consumer, address: number, position: number, again: number): void {
    let outbox = this.#last;
    if (consumer.id !== this.#lastConsumer || outbox === undefined) {
      outbox = this.#ofConsumer.get(consumer.id) ?? this.#open(consumer);
      this.#last = outbox;
      this.#lastConsumer = consumer.id;
    }
    const { batch } = outbox;
    const ints = batch.room(DELIVERY_WORDS, this.#pool);
    const at = batch.count;
    ints[at] = consumer.spec.key;
    ints[at + 1] = address;
    ints[at + 2] = position;
    ints[at + 3] = again;
    batch.count = at + DELIVERY_WORDS;
    if (!outbox.waiting) {
      outbox.waiting = true;
      this.#waiting.push(outbox);
    }
  }

  #open(consumer: Consumer): Outbox {
    const { thread, connection, generation } = consumer.spec;
    let outbox = this.#ofConnection.get(connection);
    if (outbox === undefined) {
      outbox = { to: { thread, id: connection, generation }, batch: new WordBatch(), waiting: false };
      this.#ofConnection.set(connection, outbox);
    }
    this.#ofConsumer.set(consumer.id, outbox);
    return outbox;
  }

  /** The connection is gone, or has no consumers here any more. */
  forget(connection: number): void {
    const outbox = this.#ofConnection.get(connection);
    if (outbox === undefined) return;
    this.#ofConnection.delete(connection);
    for (const [consumer, each] of this.#ofConsumer) if (each === outbox) this.#ofConsumer.delete(consumer);
    this.#last = undefined;
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const outbox of waiting) {
      const letter = letterWith(ConnectionLetter.deliver, outbox.batch);
      letter.a = this.#context.self.generation;
      letter.b = this.#queueId;
      outbox.waiting = false;
      this.#context.tell(outbox.to, letter);
    }
  }

  giveBack(batch: Int32Array): void {
    if (batch.length > 0) this.#pool.give(batch);
  }
}
