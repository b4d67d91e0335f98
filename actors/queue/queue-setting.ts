/** What the actor of a queue is given. */
import type { BatchPool } from '../runtime/batch-pool.ts';
import type { ActorRef } from '../runtime/letter.ts';
import type { WordBatch } from '../../src/amqp/channel/queue-link.ts';
import { isHistory } from '../../src/broker/exchange/recent-history-exchange.ts';
import type { QueueOptions } from '../../src/broker/queue-options.ts';
import type { MessageTimes } from '../../src/broker/queue/expiry.ts';
import type { QueueTraits } from '../../src/broker/queue/queue-machine.ts';
import type { QueueMemory } from '../../src/broker/queue/queue-memory.ts';
import type { QueueRecord } from '../../src/broker/topology/topology-records.ts';
import { BODY_SIZE, FLAGS, SHARED } from '../../src/amqp/stored-message.ts';
import type { DeadLetterSetting } from './dead-routes.ts';
import type { KeepingSetting } from './keeping.ts';

const GENERATION_SHIFT = 20;

export type QueueSetting = {
  readonly record: QueueRecord;
  readonly memory: QueueMemory;
  readonly pool: BatchPool;
  /** Connections that watched the incarnation before. */
  readonly watchers: readonly ActorRef[];
  /** The store actor; without one nothing outlives the process. */
  readonly store: ActorRef | undefined;
  /** What an incarnation collects for the store: the next one finds what did not leave. */
  readonly unsent: WordBatch;
  readonly times: MessageTimes;
  /** The priority of the message at an address. */
  priorityOf(address: number): number;
  /** Undefined of a queue without a dead-letter exchange. */
  readonly deadLetters?: DeadLetterSetting | undefined;
  /** Adds a lease to a message. */
  hold(address: number): void;
  /** Contents take more memory than they should. */
  isMemoryShort(): boolean;
  isMemoryScarce(): boolean;
  /** Ends the leases that were collected. */
  flushReleases(): void;
};

/**
 * Who published a letter, as the queue's slot remembers it: a thread that is replaced numbers its letters anew, and then only the
 * generation of a queue that dead-letters tells them apart. A connection does not outlive its thread.
 */
export function publisherOf({ id, generation }: ActorRef): number {
  return id > 0 ? id : id ^ (generation << GENERATION_SHIFT);
}

/** A word of the stored message at `address` (src/amqp/stored-message.ts). */
export function wordOf(memory: QueueMemory, address: number, word: number): number {
  return memory.intsOf(address)[memory.intOffsetOf(address) + word]!;
}

function bodySizeOf(memory: QueueMemory): (address: number) => number {
  return (address) => wordOf(memory, address, BODY_SIZE);
}

/** What its machine is told. `title`: as errors name the queue. */
export function traitsOf({ memory, times, priorityOf, deadLetters }: QueueSetting, options: QueueOptions, title: string): QueueTraits {
  const { singleActiveConsumer, messageTtlMs, deliveryLimit, delayedRetry, maxPriority, maxLengthBytes } = options;
  return {
    title,
    singleActiveConsumer,
    messageTtlMs,
    times,
    deliveryLimit,
    delayedRetry,
    deadLetters: deadLetters !== undefined,
    sizeOf: maxLengthBytes === undefined ? undefined : bodySizeOf(memory),
    priorities: maxPriority === 0 ? undefined : { max: maxPriority, of: priorityOf },
  };
}

/** Undefined where nothing is kept. */
export function keepingSetting(setting: QueueSetting): KeepingSetting | undefined {
  const { store, pool, record, memory, unsent } = setting;
  if (store === undefined || isHistory(record)) return undefined;
  return {
    queue: record.id,
    store,
    pool,
    unsent,
    hold: (address) => setting.hold(address),
    release: (address) => memory.release(address),
    isMemoryShort: () => setting.isMemoryShort(),
    isMemoryScarce: () => setting.isMemoryScarce(),
    sizeOf: bodySizeOf(memory),
    isShared: (address) => (wordOf(memory, address, FLAGS) & SHARED) !== 0,
  };
}
