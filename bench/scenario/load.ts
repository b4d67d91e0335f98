/** What producers and consumers do to a broker, as data that both brokers and both sides of the client get alike. */
import type { Allocation } from '../client/addresses.ts';
import type { ExitWhen } from '../client/exit-watch.ts';
import type { Fields } from '../client/field-table.ts';
import type { MessageProperties } from '../client/message-properties.ts';
import type { Settling } from '../client/wire.ts';

/**
 * How queues hang together. `pairs`: producer i publishes to queue i. `fan-out`: one exchange brings every message to every queue.
 * `expired`: messages expire in one queue and are consumed from another, as dead letters. `rejected`: the same, refused by the
 * second of two consumers.
 */
export type Topology = 'pairs' | 'fan-out' | 'expired' | 'rejected';

/** A figure that holds for so long; the next one follows, and after the last the first again. */
export type Step = { readonly value: number; readonly seconds: number };

export type Load = {
  readonly producers: number;
  readonly consumers: number;
  /** Producer i publishes to queue i modulo `queues`; consumers likewise. With fewer producers than queues each takes its share in turn. */
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
  /** `pairs` when absent. */
  readonly topology?: Topology;
  /** Arguments of the queues that producers publish to. */
  readonly queueArguments?: Fields;
  /** Each message gets one of so many priorities at random; undefined: none. */
  readonly priorities?: number;
  /** Channels of each producer or consumer, each of them one more producer or consumer on the same connection; 1 when absent. */
  readonly producerChannels?: number;
  readonly consumerChannels?: number;
  /** Unacknowledged deliveries of all consumers of a channel together; 0 or absent: no limit. */
  readonly sharedPrefetch?: number;
  readonly properties?: MessageProperties;
  /** Messages that no queue takes come back, and are counted. */
  readonly mandatory?: boolean;
  /** Every message carries its time of sending, without a rate too. */
  readonly timed?: boolean;
  /** Rates of all producers together, sizes of bodies, times that a consumer takes for a message (us), that change as time goes on. */
  readonly rateSteps?: readonly Step[];
  readonly sizeSteps?: readonly Step[];
  readonly latencySteps?: readonly Step[];
  /** Messages a second that each consumer takes. */
  readonly consumerRatePerSecond?: number;
  /** How long a consumer takes for each message, us. */
  readonly consumerLatencyUs?: number;
  /** How long producers wait at the end until the broker has dealt with all that they sent, ms; absent: not at all. */
  readonly farewellMs?: number;
  /** After so many a producer or consumer is done. */
  readonly messagesPerProducer?: number;
  readonly messagesPerConsumer?: number;
  /** How consumers settle; `ack` when absent. */
  readonly settling?: Settling;
  readonly consumerArguments?: Fields;
  /** A commit after so many messages of a producer's channel, or of a consumer's; undefined: no transactions. */
  readonly producerTransaction?: number;
  readonly consumerTransaction?: number;
  /** Consumers fetch each message, with so long a pause before the next, ms; undefined: messages are delivered. */
  readonly pollingIntervalMs?: number;
  /** Contents of the bodies, in turn; `bodyBytes` says nothing then, and the time of sending travels in a header. */
  readonly bodies?: readonly Uint8Array[];
  /** Each message has a routing key of its own; `cached`: one of so many, in turn. */
  readonly randomKeys?: { readonly cached: number | undefined };
  /** The largest frame that is asked for, bytes. */
  readonly frameMaxBytes?: number;
  /** Each producer starts at random within so long. */
  readonly producerStartDelaySeconds?: number;
  /** Consumers subscribe so long after producers have begun; and, with `slowStart`, a second lies between two of them. */
  readonly consumerStartDelaySeconds?: number;
  readonly slowStart?: boolean;
  /** A consumer is done when it has had nothing for a second. */
  readonly exitWhen?: ExitWhen;
  /** Which of several addresses a connection takes; in turn when absent. */
  readonly allocation?: Allocation;
};

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

/** Manual ack as busy consumers use it. */
export const BATCHED_ACK = { automaticAck: false, prefetch: 500, ackEvery: 100 } as const;
