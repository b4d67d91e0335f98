/** What a workload is, and what Leveret owes on it. */
import type { MessageProperties } from '../client/message-properties.ts';
import type { Load } from './load.ts';

export type ThroughputScenario = {
  readonly kind: 'throughput';
  readonly name: string;
  readonly title: string;
  readonly load: Load;
  /** What counts: messages that consumers received (when absent), or publishes that the broker confirmed. */
  readonly measure?: 'received' | 'confirmed';
  /** Messages a second compared with RabbitMQ's; undefined: shown only. */
  readonly ratioAtLeast?: number;
  /** Processor time for a million messages compared with RabbitMQ's; undefined: shown only. */
  readonly cpuRatioAtMost?: number;
};

export type LatencyScenario = {
  readonly kind: 'latency';
  readonly name: string;
  readonly title: string;
  readonly load: Load & { readonly ratePerSecond: number };
  /** Everything at full rate first, and then so long at the load's own rate, until nothing is compiled any more; s. */
  readonly heatSeconds: number;
  readonly settleSeconds: number;
  readonly p50RatioAtMost: number;
  readonly p99RatioAtMost: number;
};

export type MemoryScenario = {
  readonly kind: 'memory';
  readonly name: string;
  readonly title: string;
  /** Idle connections, each with one channel. */
  readonly connections: number;
  /** Resident memory of the idle broker, MB of 1,000,000 bytes. */
  readonly idleAtMostMb: number;
  /** Growth for each connection, KiB. */
  readonly connectionAtMostKib: number;
};

/** A queue without consumers is filled to the last confirm, then drained with automatic ack. */
export type BacklogScenario = {
  readonly kind: 'backlog';
  readonly name: string;
  /** What the second half is called in the table; it asks for the whole workload, too. */
  readonly drainName: string;
  readonly title: string;
  readonly fill: Fill;
  /** Publishes a second compared with RabbitMQ's. */
  readonly fillRatioAtLeast: number;
  /** Deliveries a second compared with RabbitMQ's. */
  readonly drainRatioAtLeast: number;
};

/** One persistent publish at a time, each in turn with a write that the client itself brings to the device. */
export type ConfirmScenario = {
  readonly kind: 'confirm';
  readonly name: string;
  readonly title: string;
  readonly bodyBytes: number;
  /** Warm-up at least, until nothing is compiled any more; s. */
  readonly settleSeconds: number;
  /** How much more a confirm may take than fdatasync, at p50 and at p99, ms. */
  readonly aboveFlushAtMostMs: number;
};

/** A queue is filled, the broker is stopped in order and started again on what it kept. */
export type RestartScenario = {
  readonly kind: 'restart';
  readonly name: string;
  readonly title: string;
  readonly fill: Fill;
  /** From the start of the process to the first delivery, s; undefined: shown only. */
  readonly firstDeliveryAtMostSeconds?: number;
  /** Who is measured unless asked by name; undefined: all. */
  readonly usualPeer?: 'leveret';
};

/** So many messages with confirms into a durable queue; persistent unless it says otherwise. */
export type Fill = {
  readonly messages: number;
  readonly bodyBytes: number;
  readonly outstandingLimit: number;
  readonly persistent?: boolean;
  readonly properties?: MessageProperties;
};

/** So many messages expire after a time and are consumed as dead letters. */
export type DeadLetterScenario = {
  readonly kind: 'dead-letter';
  readonly name: string;
  readonly title: string;
  readonly fill: Fill;
  /** How long each of them waits before it expires. */
  readonly ttlMs: number;
  /** Messages a second that arrive, compared with RabbitMQ's. */
  readonly ratioAtLeast: number;
};

/** Messages that have expired behind one that has not: how fast they go once it is taken. */
export type ExpiringScenario = {
  readonly kind: 'expiring';
  readonly name: string;
  readonly title: string;
  readonly fill: Fill;
  /** Messages a second that go, compared with RabbitMQ's. */
  readonly ratioAtLeast: number;
};

export type Scenario = ThroughputScenario | LatencyScenario | MemoryScenario | BacklogScenario | ConfirmScenario | RestartScenario | ExpiringScenario | DeadLetterScenario;

/** A backlog of 1 M small messages. */
export const SMALL_FILL: Fill = { messages: 1_000_000, bodyBytes: 100, outstandingLimit: 1_000 };
