/**
 * The arguments of basic.consume: which of them the consumers of a queue know, and which values are refused with 406, in the order and in
 * the words of RabbitMQ (rabbit_amqqueue:check_consume_arguments). All others are passed over.
 */
import { type Check, checkBoolean, checkCount, checkInteger, refuseArgument, refuseForeign } from './argument-check.ts';
import type { FieldTable } from './field-table.ts';
import { integerOf } from './field-value.ts';
import { describe } from './name.ts';
import { moduleOf } from './queue-arguments.ts';
import { queueTypeOf } from './queue-options.ts';
import type { QueueType } from './queue-options.ts';
import type { Refusal } from './refusal.ts';
import type { QueueRecord } from './topology/topology-records.ts';

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['x-priority', checkInteger],
  ['x-cancel-on-ha-failover', checkBoolean],
  ['x-consumer-timeout', checkCount],
]);

const KNOWN: Readonly<Record<QueueType, readonly string[]>> = {
  classic: ['x-priority', 'x-cancel-on-ha-failover', 'x-consumer-timeout'],
  quorum: ['x-priority', 'x-consumer-timeout'],
  stream: ['x-stream-offset', 'x-stream-filter', 'x-stream-match-unfiltered'],
};

const KNOWN_TO_SOME: ReadonlySet<string> = new Set(Object.values(KNOWN).flat());

/** Why RabbitMQ would refuse a consumer of `queue` with these arguments, or undefined. */
export function checkConsumerArguments(queue: QueueRecord, args: FieldTable): Refusal | undefined {
  if (args.size === 0) return undefined;
  const named = describe('queue', queue.vhost, queue.name);
  const type = queueTypeOf(queue.arguments);
  for (const [name, check] of CHECKS) {
    const value = KNOWN[type].includes(name) ? args.get(name) : undefined;
    const wrong = value === undefined ? undefined : check(value, args);
    if (wrong !== undefined) return refuseArgument(name, named, wrong);
  }
  for (const name of args.keys()) {
    if (KNOWN_TO_SOME.has(name) && !KNOWN[type].includes(name)) return refuseForeign(name, named, moduleOf(type));
  }
  return undefined;
}

/** `x-consumer-timeout` of a consumer or a queue, milliseconds; undefined without one. */
export function consumerTimeoutOf(args: FieldTable): number | undefined {
  const value = args.size === 0 ? undefined : args.get('x-consumer-timeout');
  const timeoutMs = value === undefined ? undefined : integerOf(value);
  return timeoutMs === undefined || timeoutMs < 0n ? undefined : Number(timeoutMs);
}

/** `x-priority` of arguments that were checked: any integer, 0 without one. */
export function consumerPriorityOf(args: FieldTable): number {
  const value = args.get('x-priority');
  const priority = value === undefined ? undefined : integerOf(value);
  return priority === undefined ? 0 : Number(BigInt.asIntN(32, priority));
}
