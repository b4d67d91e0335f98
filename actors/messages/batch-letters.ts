/** What a turn collected in batches, as letters: the batch goes along, and the next one begins empty. */
import type { ActorContext } from '../runtime/actor.ts';
import { Letter } from '../runtime/letter.ts';
import type { QueueLink, WordBatch } from '../../src/amqp/channel/queue-link.ts';
import { QueueLetter, queueRef } from './queue-messages.ts';

/** A letter with the words of `batch`, which it takes along: none of an empty one. */
export function letterWith(type: number, batch: WordBatch): Letter {
  const letter = new Letter(type);
  if (batch.ints !== undefined) letter.ints = batch.ints;
  letter.count = batch.count;
  batch.clear();
  return letter;
}

/** Publishes of a link that is used for nothing else: dead letters, and messages whose time has come. */
export function sendPublishes(context: Pick<ActorContext, 'tell'>, { queue, publishes }: QueueLink): void {
  context.tell(queueRef(queue), letterWith(QueueLetter.publish, publishes));
}
