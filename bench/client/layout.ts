/** Which exchanges, queues and bindings a load needs, who publishes where and who consumes what. */
import type { Load } from '../scenario/load.ts';
import type { Connection } from './connection.ts';
import type { OwnQueue } from './own-queue.ts';
import type { Route } from './publish-wire.ts';
import { bindQueue, declareExchange, declareQueueAs, deleteExchange, deleteQueue, freshQueueName, type QueueWish } from './queue-calls.ts';
import type { Settling } from './wire.ts';

/** What one consumer does. `own`: queues that it declares before, and consumes too. */
export type Subscription = { readonly queues: readonly string[]; readonly own?: readonly OwnQueue[]; readonly settling?: Settling };

export type Layout = {
  readonly exchanges: readonly { readonly name: string; readonly type: string }[];
  readonly queues: readonly QueueWish[];
  readonly bindings: readonly { readonly queue: string; readonly exchange: string; readonly routingKey: string }[];
  /** Producer i takes the routes i, i + producers, ...; where there are fewer routes, route i modulo their number. */
  readonly routes: readonly Route[];
  /** Consumer i takes subscription i modulo their number. */
  readonly subscriptions: readonly Subscription[];
};

/** The layout of a load, with names that nothing else has. */
export function layOut(load: Load): Layout {
  const { persistent: durable, queueArguments } = load;
  const names = Array.from({ length: load.queues }, freshQueueName);
  const direct = (name: string): Route => ({ exchange: '', routingKey: name });
  const topology = load.topology ?? 'pairs';
  switch (topology) {
    case 'pairs':
      return {
        exchanges: [],
        queues: names.map((name) => ({ name, durable, arguments: queueArguments })),
        bindings: [],
        routes: names.map(direct),
        subscriptions: names.map((name) => ({ queues: [name] })),
      };
    case 'fan-out': {
      const exchange = freshQueueName();
      return {
        exchanges: [{ name: exchange, type: 'fanout' }],
        queues: names.map((name) => ({ name, durable, arguments: queueArguments })),
        bindings: names.map((queue) => ({ queue, exchange, routingKey: '' })),
        routes: [{ exchange, routingKey: '' }],
        subscriptions: names.map((name) => ({ queues: [name] })),
      };
    }
    case 'expired':
    case 'rejected': {
      const [first, dead] = [freshQueueName(), freshQueueName()];
      const toDead = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead };
      const deadLetters = { queues: [dead] };
      return {
        exchanges: [],
        queues: [
          { name: dead, durable },
          { name: first, durable, arguments: { ...queueArguments, ...toDead } },
        ],
        bindings: [],
        routes: [direct(first)],
        subscriptions: topology === 'expired' ? [deadLetters] : [deadLetters, { queues: [first], settling: 'reject' }],
      };
    }
  }
}

/** The routes of producer `index` of `count`. */
export function routesOf(routes: readonly Route[], index: number, count: number): Route[] {
  const own = routes.filter((_, nth) => nth % count === index);
  return own.length > 0 ? own : routes.slice(index % routes.length, (index % routes.length) + 1);
}

export async function declareLayout(connection: Connection, layout: Layout): Promise<void> {
  for (const { name, type } of layout.exchanges) await declareExchange(connection, name, type);
  for (const wish of layout.queues) await declareQueueAs(connection, wish);
  for (const { queue, exchange, routingKey } of layout.bindings) await bindQueue(connection, queue, exchange, routingKey);
}

/** Leaves nothing behind; what is gone already is no error. */
export async function deleteLayout(connection: Connection, layout: Layout): Promise<void> {
  for (const { name } of layout.queues) await deleteQueue(connection, name).catch(() => undefined);
  for (const { name } of layout.exchanges) await deleteExchange(connection, name).catch(() => undefined);
}
