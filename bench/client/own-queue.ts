/** A queue that a consumer declares on its own connection: an exclusive one, or one of the broker that it happens to be connected to. */
import type { Connection } from './connection.ts';
import type { Subscription } from './layout.ts';
import { bindQueue, declareQueueAs, type QueueWish } from './queue-calls.ts';

export type OwnQueue = {
  readonly wish: QueueWish;
  /** undefined: it is not bound. */
  readonly binding: { readonly exchange: string; readonly routingKey: string } | undefined;
};

/** Declares the queues that a receiver has of its own. Answers the names of all that it reads, by channel. */
export async function queuesByChannel(connection: Connection, subscriptions: readonly Pick<Subscription, 'queues' | 'own'>[]): Promise<readonly (readonly string[])[]> {
  const all: string[][] = [];
  for (const { queues, own = [] } of subscriptions) {
    const declared: string[] = [];
    for (const queue of own) declared.push(await declareOwnQueue(connection, queue));
    all.push([...queues, ...declared]);
  }
  return all;
}

/** The queue's name. */
async function declareOwnQueue(connection: Connection, { wish, binding }: OwnQueue): Promise<string> {
  const queue = await declareQueueAs(connection, wish);
  if (binding !== undefined) await bindQueue(connection, queue, binding.exchange, binding.routingKey);
  return queue;
}
