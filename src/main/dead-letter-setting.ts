/** What the queues of a thread that have a dead-letter exchange are given, and which these are. */
import type { DeadLetterSetting } from '../../actors/queue/dead-routes.ts';
import type { BatchPool } from '../../actors/runtime/batch-pool.ts';
import { QueueLinks } from '../amqp/channel/queue-link.ts';
import { CopyDraft } from '../amqp/copy-draft.ts';
import type { MessageMemory } from '../amqp/stored-message.ts';
import { isTimeline } from '../broker/exchange/delayed-exchange.ts';
import { readQueueOptions } from '../broker/queue-options.ts';
import type { QueueRecord } from '../broker/topology/topology-records.ts';
import type { Topology } from '../broker/topology/topology.ts';

export type DeadLetterSurroundings = {
  readonly topology: Topology;
  readonly memory: MessageMemory;
  readonly pool: BatchPool;
  readonly chance: () => number;
};

/** Once for all incarnations of the queue. Undefined of a queue without a dead-letter exchange. */
export function deadLetterSetting(queue: QueueRecord, { topology, memory, pool, chance }: DeadLetterSurroundings): DeadLetterSetting | undefined {
  const { deadLetterExchange: exchange, deadLetterRoutingKey: routingKey } = readQueueOptions(queue.arguments);
  if (exchange === undefined) return undefined;
  const links = new QueueLinks(pool, ({ id }) => topology.queueById(id) !== undefined);
  return { queue, exchange, routingKey, topology, memory, links, draft: new CopyDraft(), chance };
}

/** The queues of a thread that publish to others: they may have dead letters, or messages that were delayed, on their way. */
export function* publishingQueues(topology: Topology, thread: number): Generator<QueueRecord, void, undefined> {
  for (const vhost of topology.vhosts()) {
    for (const queue of topology.queues(vhost.name)) {
      if (queue.thread === thread && (queue.arguments.has('x-dead-letter-exchange') || isTimeline(queue))) yield queue;
    }
  }
}
