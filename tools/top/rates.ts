/** What happened between two looks at a node. */
import { commitPercentileUs } from '../../src/main/commit-meter.ts';
import type { NodeStats, QueueLook } from '../../src/main/node-stats.ts';

export type QueueRow = QueueLook & {
  /** Messages a second. */
  readonly inRate: number;
  readonly outRate: number;
  readonly settleRate: number;
};
export type ConnectionRow = NodeStats['connections'][number] & {
  /** Bytes a second, from the client and to it. */
  readonly inRate: number;
  readonly outRate: number;
};
export type ThreadRow = {
  readonly name: string;
  /** Share of the time that its event loop had work, 0 to 1. */
  readonly busy: number;
  readonly heapUsedBytes: number;
  readonly heapLimitBytes: number;
  /** The fullest ring that it reads from, now and at the most so far, 0 to 1. */
  readonly ringFill: number;
  readonly ringFillMost: number;
};
export type StoreRow = {
  readonly commitRate: number;
  readonly changesEach: number;
  readonly bytesEach: number;
  readonly p50Us: number;
  readonly p99Us: number;
};

/** A node at a moment, with rates since the moment before. */
export type Snapshot = {
  readonly stats: NodeStats;
  readonly threads: readonly ThreadRow[];
  readonly queues: readonly QueueRow[];
  readonly connections: readonly ConnectionRow[];
  readonly store: StoreRow;
  /** Of all queues together. */
  readonly inRate: number;
  readonly outRate: number;
};

/** `before` undefined: nothing is known of rates yet, they are 0. */
export function snapshot(before: NodeStats | undefined, now: NodeStats): Snapshot {
  const seconds = before === undefined ? Infinity : Math.max(0.001, (now.atMs - before.atMs) / 1000);
  // Counts of messages wrap at 32 bits.
  const rate = (from: number | undefined, to: number): number => (from === undefined ? 0 : Math.max(0, (to - from) | 0) / seconds);
  const byteRate = (from: number | undefined, to: number): number => (from === undefined ? 0 : Math.max(0, to - from) / seconds);
  const queuesBefore = new Map(before?.queues.map((queue) => [`${queue.vhost} ${queue.name}`, queue]));
  const connectionsBefore = new Map(before?.connections.map((connection) => [connection.name, connection]));
  return {
    stats: now,
    threads: threadRows(before, now),
    queues: now.queues.map((queue) => {
      const old = queuesBefore.get(`${queue.vhost} ${queue.name}`);
      return { ...queue, inRate: rate(old?.accepted, queue.accepted), outRate: rate(old?.delivered, queue.delivered), settleRate: rate(old?.settled, queue.settled) };
    }),
    connections: now.connections.map((connection) => {
      const old = connectionsBefore.get(connection.name);
      return { ...connection, inRate: byteRate(old?.receivedBytes, connection.receivedBytes), outRate: byteRate(old?.sentBytes, connection.sentBytes) };
    }),
    store: storeRow(before, now, seconds),
    inRate: rate(before?.queueSums.accepted, now.queueSums.accepted),
    outRate: rate(before?.queueSums.delivered, now.queueSums.delivered),
  };
}

function threadRows(before: NodeStats | undefined, now: NodeStats): ThreadRow[] {
  return now.threads.map(({ name, number, usage }) => {
    const old = before?.threads.find((thread) => thread.name === name)?.usage;
    // A thread that was replaced counts anew.
    const isSame = old !== undefined && old.activeMs <= usage.activeMs;
    const activeMs = usage.activeMs - (isSame ? old.activeMs : 0);
    const idleMs = usage.idleMs - (isSame ? old.idleMs : 0);
    const rings = now.rings.filter(({ to }) => to === number);
    return {
      name,
      busy: activeMs + idleMs > 0 ? activeMs / (activeMs + idleMs) : 0,
      heapUsedBytes: usage.heapUsedBytes,
      heapLimitBytes: usage.heapLimitBytes,
      ringFill: Math.max(0, ...rings.map(({ usedBytes, capacityBytes }) => usedBytes / capacityBytes)),
      ringFillMost: Math.max(0, ...rings.map(({ highWaterBytes, capacityBytes }) => highWaterBytes / capacityBytes)),
    };
  });
}

function storeRow(before: NodeStats | undefined, now: NodeStats, seconds: number): StoreRow {
  const old = before?.commits;
  const commits = now.commits.commits - (old?.commits ?? 0);
  const buckets = now.commits.buckets.map((count, bucket) => count - (old?.buckets[bucket] ?? 0));
  return {
    commitRate: old === undefined ? 0 : commits / seconds,
    changesEach: commits === 0 ? 0 : (now.commits.changes - (old?.changes ?? 0)) / commits,
    bytesEach: commits === 0 ? 0 : (now.commits.bytes - (old?.bytes ?? 0)) / commits,
    p50Us: commitPercentileUs(buckets, 0.5),
    p99Us: commitPercentileUs(buckets, 0.99),
  };
}
