/** A queue that a consumer declares on its own connection: an exclusive one, or one of the broker that it happens to be connected to. */
import type { Connection } from './connection.ts';
import { bindQueue, declareQueueAs, type QueueWish } from './queue-calls.ts';

export type OwnQueue = {
  readonly wish: QueueWish;
  /** undefined: it is not bound. */
  readonly binding: { readonly exchange: string; readonly routingKey: string } | undefined;
};

/** The queue's name. */
export async function declareOwnQueue(connection: Connection, { wish, binding }: OwnQueue): Promise<string> {
  const queue = await declareQueueAs(connection, wish);
  if (binding !== undefined) await bindQueue(connection, queue, binding.exchange, binding.routingKey);
  return queue;
}
