/** What leaves one connection for queues: the batches of its links, stops, questions, and who watches whom. */
import { letterWith } from '../messages/batch-letters.ts';
import { QueueLetter, queueRef } from '../messages/queue-messages.ts';
import type { ActorContext } from '../runtime/actor.ts';
import { Letter } from '../runtime/letter.ts';
import { PUBLISH_WORDS, type QueueLink, type QueueLinks, type WordBatch } from '../../src/amqp/channel/queue-link.ts';
import type { QueueQuestion } from '../../src/broker/queue/queue-question.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import type { PublishThrottle } from './publish-throttle.ts';

type Stop = { readonly link: QueueLink; readonly letter: Letter };

export class QueueSender {
  readonly #context: ActorContext;
  readonly #links: QueueLinks;
  readonly #throttle: PublishThrottle;
  #stops: Stop[] = [];

  constructor(context: ActorContext, links: QueueLinks, throttle: PublishThrottle) {
    this.#context = context;
    this.#links = links;
    this.#throttle = throttle;
  }

  tell(link: QueueLink, letter: Letter): void {
    this.#context.tell(queueRef(link.queue), letter);
  }

  post(queue: QueueRecord, question: QueueQuestion, request: number): void {
    const letter = new Letter(QueueLetter.question);
    letter.a = request;
    letter.body = question;
    this.#context.tell(queueRef(queue), letter);
  }

  watch(link: QueueLink): void {
    if (link.watched) return;
    link.watched = true;
    this.#context.watch(queueRef(link.queue));
  }

  unwatch(link: QueueLink): void {
    if (!link.watched) return;
    link.watched = false;
    this.#context.unwatch(queueRef(link.queue));
  }

  /** The queue is to stop, or go on, delivering to a consumer: with the next flush. */
  setStopped(link: QueueLink, consumerId: number, stopped: boolean): void {
    const letter = new Letter(QueueLetter.stopped);
    letter.a = link.generation;
    letter.b = consumerId;
    letter.c = stopped ? 1 : 0;
    this.#stops.push({ link, letter });
  }

  /** All that was collected leaves: stops before settles, because a settle makes room that a stop closes. */
  flush(): void {
    if (this.#stops.length > 0) {
      const stops = this.#stops;
      this.#stops = [];
      for (const { link, letter } of stops) this.tell(link, letter);
    }
    this.#links.flush(this.#sendLink);
  }

  readonly #sendLink = (link: QueueLink): void => {
    const { publishes, settles, taken } = link;
    if (publishes.count > 0) {
      this.#throttle.published(link.queue.slot, publishes.count / PUBLISH_WORDS);
      this.#sendBatch(link, QueueLetter.publish, publishes, 0);
    }
    for (let how = 0; how < settles.length; how++) {
      const batch = settles[how]!;
      if (batch.count > 0) this.#sendBatch(link, QueueLetter.settle, batch, how);
    }
    if (taken.count > 0) this.#sendBatch(link, QueueLetter.taken, taken, 0);
  };

  #sendBatch(link: QueueLink, type: number, batch: WordBatch, b: number): void {
    const letter = letterWith(type, batch);
    letter.a = link.generation;
    letter.b = b;
    this.tell(link, letter);
  }
}
