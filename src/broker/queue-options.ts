/**
 * A queue's arguments, read once into what the queue machine needs. Reading never fails: the arguments were checked when the
 * queue was declared (queue-arguments.ts), and a value that a check let pass without meaning anything is as good as absent.
 */
import type { FieldTable } from './field-table.ts';
import { integerOf, textOf } from './field-value.ts';
import { EXPIRY_MAX_MS, PRIORITY_MAX } from './bounds.ts';
import { RETRY_TYPES, type RetryPolicy } from './queue/delayed-retry.ts';
import { DELIVERY_LIMIT_DEFAULT, UNLIMITED_DELIVERIES } from './queue/delivery-limit.ts';

export const QUEUE_TYPES = ['classic', 'quorum', 'stream'] as const;
export type QueueType = (typeof QUEUE_TYPES)[number];
export type OverflowMode = 'drop-head' | 'reject-publish' | 'reject-publish-dlx';

export type QueueOptions = {
  readonly type: QueueType;
  /** How long a message may wait, milliseconds; 0 means: deliver at once or never. */
  readonly messageTtlMs: number | undefined;
  /** How long the queue may go unused before it is deleted, milliseconds. */
  readonly expiresMs: number | undefined;
  /** The most ready messages. */
  readonly maxLength: number | undefined;
  /** The most bytes of bodies of ready messages. */
  readonly maxLengthBytes: number | undefined;
  readonly overflow: OverflowMode;
  readonly deadLetterExchange: string | undefined;
  /** Undefined: a dead letter keeps its routing keys. */
  readonly deadLetterRoutingKey: string | undefined;
  readonly deadLetterStrategy: 'at-most-once' | 'at-least-once';
  /** The highest priority that is told apart; 0 for a queue without priorities. */
  readonly maxPriority: number;
  readonly singleActiveConsumer: boolean;
  readonly mode: 'default' | 'lazy';
  /**
   * How often a message may come back before it is dead-lettered; UNLIMITED_DELIVERIES: its consumers are told how often it has, and that
   * is all; undefined: nothing of it.
   */
  readonly deliveryLimit: number | undefined;
  /** How long what comes back waits; undefined: not at all. */
  readonly delayedRetry: RetryPolicy | undefined;
};

/** Reads the arguments of a declared queue. */
export function readQueueOptions(args: FieldTable): QueueOptions {
  const type = queueTypeOf(args);
  return {
    type,
    messageTtlMs: countArgument(args, 'x-message-ttl'),
    expiresMs: countArgument(args, 'x-expires'),
    maxLength: countArgument(args, 'x-max-length'),
    maxLengthBytes: countArgument(args, 'x-max-length-bytes'),
    overflow: overflowOf(args, type),
    deadLetterExchange: textArgument(args, 'x-dead-letter-exchange'),
    deadLetterRoutingKey: textArgument(args, 'x-dead-letter-routing-key'),
    deadLetterStrategy: textArgument(args, 'x-dead-letter-strategy') === 'at-least-once' ? 'at-least-once' : 'at-most-once',
    maxPriority: Math.min(countArgument(args, 'x-max-priority') ?? 0, PRIORITY_MAX),
    singleActiveConsumer: isSet(args, 'x-single-active-consumer'),
    mode: textArgument(args, 'x-queue-mode') === 'lazy' ? 'lazy' : 'default',
    deliveryLimit: deliveryLimitOf(args, type),
    delayedRetry: delayedRetryOf(args),
  };
}

/** Whether messages may expire in one of the queues without a word of their publisher. */
export function isAnyTimed(queues: readonly { readonly arguments: FieldTable }[]): boolean {
  return queues.some((queue) => queue.arguments.has('x-message-ttl'));
}

export function isQueueType(text: string): text is QueueType {
  return QUEUE_TYPES.some((type) => type === text);
}

/** The type that the arguments ask for; classic when they ask for none or for one that does not exist. */
export function queueTypeOf(args: FieldTable): QueueType {
  const type = textArgument(args, 'x-queue-type');
  return type === 'quorum' || type === 'stream' ? type : 'classic';
}

/** Whether a queue with these properties can be of the type at all. */
export function isCompatible(type: QueueType, queue: { readonly durable: boolean; readonly exclusive: boolean; readonly autoDelete: boolean }): boolean {
  return type === 'classic' || (queue.durable && !queue.exclusive && !queue.autoDelete);
}

/** A quorum queue knows no `reject-publish-dlx`; RabbitMQ takes it for the default there. */
function overflowOf(args: FieldTable, type: QueueType): OverflowMode {
  const overflow = textArgument(args, 'x-overflow');
  if (overflow === 'reject-publish') return overflow;
  return overflow === 'reject-publish-dlx' && type === 'classic' ? overflow : 'drop-head';
}

/** A negative one is none (RabbitMQ guide "Quorum Queues", "Poison Message Handling"). */
function deliveryLimitOf(args: FieldTable, type: QueueType): number | undefined {
  const value = args.get('x-delivery-limit');
  const integer = value === undefined ? undefined : integerOf(value);
  if (integer !== undefined) return integer < 0n ? UNLIMITED_DELIVERIES : Number(integer);
  if (type === 'quorum') return DELIVERY_LIMIT_DEFAULT;
  return delayedRetryOf(args) === undefined ? undefined : UNLIMITED_DELIVERIES;
}

/** Without a smallest delay there is none; without a largest one it grows as long as a message may live. */
function delayedRetryOf(args: FieldTable): RetryPolicy | undefined {
  const wanted = textArgument(args, 'x-delayed-retry-type');
  const type = RETRY_TYPES.find((each) => each === wanted);
  const minMs = countArgument(args, 'x-delayed-retry-min');
  if (type === undefined || minMs === undefined) return undefined;
  return { type, minMs, maxMs: Math.min(countArgument(args, 'x-delayed-retry-max') ?? EXPIRY_MAX_MS, EXPIRY_MAX_MS) };
}

function textArgument(args: FieldTable, name: string): string | undefined {
  const value = args.get(name);
  return value?.type === 'S' ? textOf(value.value) : undefined;
}

function isSet(args: FieldTable, name: string): boolean {
  const value = args.get(name);
  return value?.type === 't' && value.value;
}

/** A whole number from 0, capped where numbers stop being exact; negative and other values count as absent. */
function countArgument(args: FieldTable, name: string): number | undefined {
  const value = args.get(name);
  const integer = value === undefined ? undefined : integerOf(value);
  if (integer === undefined || integer < 0n) return undefined;
  return integer > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(integer);
}
