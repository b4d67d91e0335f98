/** The exchange and the queues of a run, as PerfTest declares them, and who publishes and consumes where. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Connection } from '../client/connection.ts';
import type { Layout, Subscription } from '../client/layout.ts';
import type { OwnQueue } from '../client/own-queue.ts';
import { bindQueue, declareExchange, declareQueueAs, isExchangeThere, type QueueWish } from '../client/queue-calls.ts';
import type { Load } from '../scenario/load.ts';
import type { TopologyWish } from './perf-test-options.ts';

/** Exchanges that are always there, and that nobody may declare otherwise. */
const PREDECLARED = /^(?:amq\..*)?$/;

/**
 * Declares on each of the connections, which lead to one broker each. Queues that a broker names, where there are several, and those that belong to a
 * connection are left to the consumers.
 */
export async function declareTopology(connections: readonly Connection[], wish: TopologyWish, load: Load): Promise<Layout> {
  const { exchange, isSequence, isPredeclared, isExclusive } = wish;
  const names = [...wish.queues, ...(wish.queueFile === undefined ? [] : namesIn(wish.queueFile))];
  const consumerCount = load.consumers * (load.consumerChannels ?? 1);
  const producerCount = load.producers * (load.producerChannels ?? 1);
  const named = names.length > 0;
  const fixedKey = wish.routingKey ?? randomUUID();
  const isBound = exchange !== '' && wish.isBound;
  const keyOfQueue = (name: string): string => (isSequence ? name : fixedKey);
  const wishOf = (name: string): QueueWish => ({ name, durable: wish.durable, autoDelete: wish.autoDelete, exclusive: isExclusive, arguments: wish.arguments, ifAbsent: isPredeclared });
  const ownOf = (name: string): OwnQueue => ({ wish: wishOf(name), binding: isBound ? { exchange, routingKey: keyOfQueue(name) } : undefined });
  const isOwn = isExclusive || (!named && connections.length > 1);
  // Without names every consumer has a queue of its own; without consumers nobody would ever read what the broker names.
  const wanted = named ? names : isPredeclared ? [] : Array.from({ length: consumerCount }, () => '');
  let queues: string[] = wanted;
  for (const connection of connections) {
    const isThere = PREDECLARED.test(exchange) || (isPredeclared && (await isExchangeThere(connection, exchange)));
    if (!isThere) await declareExchange(connection, exchange, wish.type);
    if (isOwn) continue;
    queues = [];
    for (const name of wanted) {
      const queue = await declareQueueAs(connection, wishOf(name));
      if (isBound) await bindQueue(connection, queue, exchange, keyOfQueue(queue));
      queues.push(queue);
    }
  }
  const subscriptionOf = (some: readonly string[]): Subscription => (isOwn ? { queues: [], own: some.map(ownOf) } : { queues: some });
  const subscriptions = isSequence || !named ? queues.map((queue) => subscriptionOf([queue])) : [subscriptionOf(queues)];
  const keyOf = (index: number): string => {
    const queue = queues[index % Math.max(1, queues.length)] || fixedKey;
    if (isSequence) return queue;
    return wish.routingKey ?? (exchange === '' ? queue : fixedKey);
  };
  return {
    exchanges: [],
    queues: [],
    bindings: [],
    routes: Array.from({ length: Math.max(1, producerCount) }, (_, index) => ({ exchange, routingKey: keyOf(index) })),
    subscriptions: subscriptions.length === 0 ? [{ queues: [] }] : subscriptions,
  };
}

function namesIn(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
