/** What a queue is told when it is made, and what it does to the world. */
import type { Consumer } from './consumer.ts';
import type { RetryPolicy } from './delayed-retry.ts';
import type { DropReason } from './dying.ts';
import type { MessageTimes } from './expiry.ts';
import type { Priorities } from './priority-order.ts';

/** What a queue does to the world. Called in the middle of a step: an implementation only collects. */
export interface QueuePort {
  /** A lease stays with the queue: the bytes at `address` stand until the delivery is settled. */
  deliver(consumer: Consumer, address: number, position: number, redelivered: boolean): void;
  /** A message that the store keeps has left the queue. */
  keptGone(position: number): void;
  /** A message that the store keeps came back, after so many deliveries. */
  keptReturned(position: number, deliveries: number): void;
  /** A message is about to die: until this returns, it is still at its position. */
  dropped?(position: number, reason: DropReason): void;
}

export type QueueTraits = {
  /** As errors name it: `queue 'q' in vhost '/'`. */
  readonly title: string;
  readonly singleActiveConsumer: boolean;
  /** Only of a queue that limits bytes: bytes of the body of the message at an address. */
  readonly sizeOf?: ((address: number) => number) | undefined;
  /** How long each message may wait, milliseconds; undefined: as long as it says itself. */
  readonly messageTtlMs?: number | undefined;
  /** Of a queue whose messages may expire. */
  readonly times?: MessageTimes | undefined;
  /** Only of a queue with x-max-priority. */
  readonly priorities?: Priorities | undefined;
  /** There is a dead-letter exchange: what dies stays until it is buried. */
  readonly deadLetters?: boolean | undefined;
  /** How often a message may come back; UNLIMITED_DELIVERIES: consumers are told how often it has, and that is all. */
  readonly deliveryLimit?: number | undefined;
  /** What comes back waits for its next delivery. Needs `times`. */
  readonly delayedRetry?: RetryPolicy | undefined;
};
