/** What all consumers of a load have in common, whether messages are brought to them or fetched. */
import type { Histogram } from 'hdr-histogram-js';
import type { Step } from '../scenario/load.ts';
import { nowNs } from './clock.ts';
import { CHANNEL, type Connection } from './connection.ts';
import type { Fields } from './field-table.ts';
import { recordLatency } from './latency.ts';
import type { StampPlace } from './message-scanner.ts';
import { selectTransactions } from './queue-calls.ts';
import { StepSettler, TransactionSettler, type Settler } from './settler.ts';
import type { Settling } from './wire.ts';

export type Receiver = {
  /** What it receives is the load's result; what is refused is only on its way. */
  readonly counts: boolean;
  /** Messages that it has dealt with. */
  readonly received: number;
  /** The names of its queues, each once. */
  readonly queues: readonly string[];
  readonly connection: Connection;
  /** Nothing comes before. One call for each channel, counted from 0. */
  readonly subscribe: (index: number) => Promise<void>;
  /** Settles what its steps left over. */
  readonly settleRest: () => void;
  readonly drop: () => void;
};

export type ReceiverOptions = {
  readonly automaticAck: boolean;
  /** 0: no limit. */
  readonly prefetch: number;
  /** For all consumers of a channel; 0 or absent: no limit. */
  readonly sharedPrefetch?: number | undefined;
  /** One ack with multiple=true for so many messages; without meaning for automatic ack. */
  readonly ackEvery: number;
  /** `reject` refuses each message for ever; `ack` when absent. */
  readonly settling?: Settling | undefined;
  /** A commit after so many messages; undefined: no transactions. */
  readonly consumerTransaction?: number | undefined;
  readonly consumerArguments?: Fields | undefined;
  /** Where latencies go; undefined: messages carry no time. */
  readonly latency?: LatencyWindow | undefined;
  /** `body` when absent. */
  readonly stampPlace?: StampPlace | undefined;
  readonly consumerRatePerSecond?: number | undefined;
  readonly consumerLatencyUs?: number | undefined;
  readonly latencySteps?: readonly Step[] | undefined;
  readonly frameMaxBytes?: number | undefined;
  /** Pause between two basic.get; undefined: messages are delivered. */
  readonly pollingIntervalMs?: number | undefined;
  /** What comes to a channel after so many is left alone; with automatic ack it is lost. */
  readonly messagesPerConsumer?: number | undefined;
};

/** Latency counts for the messages whose sending was due inside the window, whenever they arrive. */
export type LatencyWindow = { readonly histogram: Histogram; fromNs: number; toNs: number; readonly counted?: (latencyNs: number) => void };

/** Clocks of two processes agree better than this. */
const FUTURE_NS = 1_000_000;

/** What a connection needs to keep latencies: the time of each chunk, and of each message in it. */
export function latencyListeners(latency: LatencyWindow | undefined): { readonly arrived: () => void; readonly sentAt: (timeNs: number) => void } | undefined {
  if (latency === undefined) return undefined;
  let arrivedNs = 0;
  return {
    arrived: () => {
      arrivedNs = nowNs();
    },
    sentAt: (timeNs) => {
      // A body of somebody else's says anything, and mostly a time that has not come.
      if (timeNs < latency.fromNs || timeNs >= latency.toNs || timeNs > arrivedNs + FUTURE_NS) return;
      recordLatency(latency.histogram, arrivedNs - timeNs);
      latency.counted?.(arrivedNs - timeNs);
    },
  };
}

/** undefined: automatic ack without transactions leaves nothing to do. Puts the channels into tx mode where that is wanted. */
export async function openSettler(connection: Connection, channels: number, options: ReceiverOptions): Promise<Settler | undefined> {
  const { automaticAck, settling = 'ack', consumerTransaction: size, messagesPerConsumer: limit = Infinity } = options;
  const every = settling === 'reject' ? 1 : options.ackEvery;
  if (size === undefined) return automaticAck ? undefined : new StepSettler({ connection, channels, every, settling, limit });
  for (let index = 0; index < channels; index += 1) await selectTransactions(connection, CHANNEL + index);
  return new TransactionSettler({ connection, channels, every: automaticAck ? undefined : every, settling, limit }, size);
}
