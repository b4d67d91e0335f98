/** What a workload is, and what Leveret owes on it. */

export type Load = {
  readonly producers: number;
  readonly consumers: number;
  /** Producer i publishes to queue i modulo `queues`; consumers likewise. */
  readonly queues: number;
  readonly bodyBytes: number;
  /** delivery-mode 2 to durable queues; otherwise transient to queues that do not survive a restart. */
  readonly persistent: boolean;
  /** Unconfirmed publishes per producer; undefined: no publisher confirms. */
  readonly outstandingLimit?: number;
  readonly automaticAck: boolean;
  /** Unacknowledged deliveries per consumer; 0: no limit. */
  readonly prefetch: number;
  /** One ack with multiple=true for so many deliveries. */
  readonly ackEvery: number;
  /** Messages a second from all producers together, on an open-loop schedule; undefined: as fast as the broker takes it. */
  readonly ratePerSecond?: number;
};

export type ThroughputScenario = {
  readonly kind: 'throughput';
  readonly name: string;
  readonly title: string;
  readonly load: Load;
  /** Messages a second compared with RabbitMQ's; undefined: shown only. */
  readonly ratioAtLeast?: number;
};

export type LatencyScenario = {
  readonly kind: 'latency';
  readonly name: string;
  readonly title: string;
  readonly load: Load & { readonly ratePerSecond: number };
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

/** So many persistent messages with confirms into a durable queue. */
export type Fill = { readonly messages: number; readonly bodyBytes: number; readonly outstandingLimit: number };

export type Scenario = ThroughputScenario | LatencyScenario | MemoryScenario | BacklogScenario | ConfirmScenario | RestartScenario;

/** One producer, one consumer, one queue, transient, automatic ack: what a workload is unless it says otherwise. */
export const PLAIN_LOAD: Load = {
  producers: 1,
  consumers: 1,
  queues: 1,
  bodyBytes: 100,
  persistent: false,
  automaticAck: true,
  prefetch: 0,
  ackEvery: 1,
};

/** A backlog of 1 M small messages. */
export const SMALL_FILL: Fill = { messages: 1_000_000, bodyBytes: 100, outstandingLimit: 1_000 };

/** Manual ack as busy consumers use it. */
export const BATCHED_ACK = { automaticAck: false, prefetch: 500, ackEvery: 100 } as const;
