/** What a running node tells of itself as numbers: counters since it runs, of which onlookers take the differences. */
import type { ConnectionLook } from '../../actors/connection/connection-look.ts';
import { storeThread } from '../../actors/messages/store-messages.ts';
import type { RingLook } from '../../actors/runtime/ring/ring-look.ts';
import { type ThreadUsage, threadUsage } from '../../native-free-io/thread-usage.ts';
import {
  ACCEPTED,
  CONSUMER_COUNT,
  DELIVERED,
  DROPPED,
  QUEUE_ID,
  READY_COUNT,
  REDELIVERED,
  SETTLED,
  SLOT_WORDS,
  UNSETTLED_COUNT,
} from '../broker/queue/ledger-layout.ts';
import type { Topology } from '../broker/topology/topology.ts';
import type { CommitCounts } from './commit-meter.ts';
import type { LiveTree } from './live-tree.ts';
import { packageVersion } from './package-version.ts';
import type { StoreDescription } from './store-thread.ts';

/** Queues that are told at most; of the others only the sums. */
export const TOLD_QUEUES_MAX = 500;
/** Connections that a thread tells of at most: those with the most traffic. */
export const TOLD_CONNECTIONS_MAX = 256;

/** By what the queues that are told are chosen. */
export const QUEUE_ORDERS = ['ready', 'unsettled', 'consumers', 'accepted', 'name'] as const;
export type QueueOrder = (typeof QUEUE_ORDERS)[number];

export type QueueLook = {
  readonly vhost: string;
  readonly name: string;
  readonly thread: number;
  readonly ready: number;
  readonly unsettled: number;
  readonly consumers: number;
  /** Messages since the queue runs in this process; they wrap at 32 bits. */
  readonly accepted: number;
  readonly delivered: number;
  readonly redelivered: number;
  readonly settled: number;
  readonly dropped: number;
};

export type NodeStats = {
  readonly version: string;
  readonly atMs: number;
  readonly uptimeMs: number;
  readonly rssBytes: number;
  /** Shared memory that messages and queues use, and the limit above which publishers are blocked. */
  readonly usedBytes: number;
  readonly limitBytes: number;
  readonly alarms: readonly string[];
  /** `number`: as the rings name it. */
  readonly threads: readonly { readonly name: string; readonly number: number; readonly usage: ThreadUsage }[];
  readonly rings: readonly RingLook[];
  readonly queueCount: number;
  readonly queueSums: Omit<QueueLook, 'vhost' | 'name' | 'thread'>;
  readonly queues: readonly QueueLook[];
  readonly connectionCount: number;
  readonly connections: readonly (ConnectionLook & { readonly thread: number })[];
  readonly commits: CommitCounts;
  readonly tree: LiveTree;
};

export type QueueLooks = Pick<NodeStats, 'queueCount' | 'queueSums' | 'queues'>;

/** Reads the counts that queues show in their slots. The first `count` queues by `order`. */
export function lookAtQueues(topology: Topology, slots: Int32Array, order: QueueOrder, count: number): QueueLooks {
  const looks: QueueLook[] = [];
  for (const vhost of topology.vhosts()) {
    for (const { id, name, thread, slot } of topology.queues(vhost.name)) {
      const at = slot * SLOT_WORDS;
      // Before its first incarnation the slot tells of another queue.
      const word = (index: number): number => (slots[at + QUEUE_ID] === id ? slots[at + index]! : 0);
      looks.push({
        vhost: vhost.name,
        name,
        thread,
        ready: word(READY_COUNT),
        unsettled: word(UNSETTLED_COUNT),
        consumers: word(CONSUMER_COUNT),
        accepted: word(ACCEPTED),
        delivered: word(DELIVERED),
        redelivered: word(REDELIVERED),
        settled: word(SETTLED),
        dropped: word(DROPPED),
      });
    }
  }
  const byOrder = (one: QueueLook, other: QueueLook): number => (order === 'name' ? 0 : other[order] - one[order]) || (one.name < other.name ? -1 : 1);
  return { queueCount: looks.length, queueSums: sumsOf(looks), queues: looks.toSorted(byOrder).slice(0, count) };
}

function sumsOf(looks: readonly QueueLook[]): QueueLooks['queueSums'] {
  const sums = { ready: 0, unsettled: 0, consumers: 0, accepted: 0, delivered: 0, redelivered: 0, settled: 0, dropped: 0 };
  for (const look of looks) for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += look[key];
  return sums;
}

/** Puts together what parts of the node have told. */
export function nodeStats(
  tree: LiveTree,
  store: StoreDescription | undefined,
  queues: QueueLooks,
  node: Pick<NodeStats, 'limitBytes' | 'alarms' | 'rings'>,
): NodeStats {
  const threads = tree.threads.map(({ thread, usage }) => ({ name: `scheduler-${thread}`, number: thread, usage }));
  const storeNumber = storeThread(tree.queues.children.length);
  return {
    ...node,
    ...queues,
    version: packageVersion(),
    atMs: Date.now(),
    uptimeMs: process.uptime() * 1000,
    rssBytes: process.memoryUsage.rss(),
    usedBytes: tree.threads[0]?.usedBytes ?? 0,
    threads: [{ name: 'main', number: 0, usage: threadUsage() }, ...threads, ...(store === undefined ? [] : [{ name: 'store', number: storeNumber, usage: store.usage }])],
    connectionCount: tree.threads.reduce((sum, { connections }) => sum + connections, 0),
    connections: tree.threads.flatMap(({ thread, connectionLooks }) => connectionLooks.map((look) => ({ ...look, thread }))),
    commits: store?.commits ?? { commits: 0, changes: 0, bytes: 0, buckets: [] },
    tree,
  };
}

/** The question's arguments, read strictly. Throws one sentence. */
export function readStatsQuestion({ order, count }: Readonly<Record<string, unknown>>): { readonly order: QueueOrder; readonly count: number } {
  const known = QUEUE_ORDERS.find((one) => one === (order ?? 'ready'));
  const asked = count ?? TOLD_QUEUES_MAX;
  if (known === undefined) throw new Error(`the field "order" must be one of ${QUEUE_ORDERS.join(', ')}`);
  if (typeof asked !== 'number' || !Number.isInteger(asked) || asked < 0 || asked > TOLD_QUEUES_MAX) {
    throw new Error(`the field "count" must be a whole number from 0 to ${TOLD_QUEUES_MAX}`);
  }
  return { order: known, count: asked };
}
