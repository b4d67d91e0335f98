/**
 * The arguments of queue.declare: which of them each type of queue knows, and which values are refused with 406, in the order
 * and in the words of RabbitMQ 3.13 (rabbit_amqqueue:check_declare_arguments). The end of such a text is an Erlang term,
 * because RabbitMQ prints one there and test suites of clients compare it.
 */
import { type Check, checkBoolean, checkCount, checkInteger, refuseArgument, refuseForeign, unacceptable } from './argument-check.ts';
import { EXPIRY_MAX_MS, PRIORITY_MAX } from './bounds.ts';
import type { FieldTable, FieldValue } from './field-table.ts';
import { integerOf, textOf } from './field-value.ts';
import { QUEUE_TYPES, queueTypeOf } from './queue-options.ts';
import type { QueueType } from './queue-options.ts';
import { RETRY_TYPES } from './queue/delayed-retry.ts';
import type { Refusal } from './refusal.ts';

/** Of newer versions, and Leveret's own, behind what RabbitMQ 3.10 compares. */
const LATER = [
  'x-queue-leader-locator',
  'x-consumer-timeout',
  'x-delivery-limit',
  'x-delayed-retry-type',
  'x-delayed-retry-min',
  'x-delayed-retry-max',
];

/** What each type knows. These are also the arguments that two declarations must agree on, in RabbitMQ's order: the first that differs is told. */
const KNOWN: Readonly<Record<QueueType, readonly string[]>> = {
  classic: [
    'x-expires',
    'x-message-ttl',
    'x-dead-letter-exchange',
    'x-dead-letter-routing-key',
    'x-max-length',
    'x-max-length-bytes',
    'x-max-priority',
    'x-overflow',
    'x-queue-mode',
    'x-queue-version',
    'x-single-active-consumer',
    'x-queue-type',
    'x-queue-master-locator',
    ...LATER,
  ],
  quorum: [
    'x-dead-letter-exchange',
    'x-dead-letter-routing-key',
    'x-dead-letter-strategy',
    'x-expires',
    'x-max-length',
    'x-max-length-bytes',
    'x-max-in-memory-length',
    'x-max-in-memory-bytes',
    'x-overflow',
    'x-single-active-consumer',
    'x-queue-type',
    'x-quorum-initial-group-size',
    'x-message-ttl',
    ...LATER,
  ],
  stream: [
    'x-max-length-bytes',
    'x-queue-type',
    'x-max-age',
    'x-stream-max-segment-size-bytes',
    'x-stream-filter-size-bytes',
    'x-initial-cluster-size',
    'x-queue-leader-locator',
  ],
};

const KNOWN_TO_SOME: ReadonlySet<string> = new Set(Object.values(KNOWN).flat());

/** RabbitMQ's names of the modules behind the types; they appear in texts. */
const MODULES: Readonly<Record<QueueType, string>> = {
  classic: 'rabbit_classic_queue',
  quorum: 'rabbit_quorum_queue',
  stream: 'rabbit_stream_queue',
};

export function moduleOf(type: QueueType): string {
  return MODULES[type];
}

/** The arguments that a second declaration of such a queue must repeat; all others are kept but not compared. */
export function comparedArguments(type: QueueType): readonly string[] {
  return KNOWN[type];
}

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['x-expires', (value) => (integerOf(value) === 0n ? '{value_zero,0}' : checkExpiry(value))],
  ['x-message-ttl', (value) => checkExpiry(value)],
  ['x-dead-letter-exchange', (value) => checkLongstr(value)],
  ['x-dead-letter-routing-key', checkDeadLetterRoutingKey],
  ['x-dead-letter-strategy', oneOf(['at-most-once', 'at-least-once'], 'invalid_dlx_strategy')],
  ['x-max-length', checkCount],
  ['x-max-length-bytes', checkCount],
  ['x-max-in-memory-length', checkCount],
  ['x-max-in-memory-bytes', checkCount],
  ['x-max-priority', checkPriority],
  ['x-overflow', oneOf(['drop-head', 'reject-publish', 'reject-publish-dlx'], 'invalid_overflow')],
  ['x-queue-mode', oneOf(['default', 'lazy'], (text) => `"unsupported queue mode '${text}'"`)],
  ['x-queue-version', checkVersion],
  ['x-single-active-consumer', checkBoolean],
  ['x-consumer-timeout', checkCount],
  ['x-delivery-limit', checkInteger],
  ['x-delayed-retry-type', checkRetryType],
  ['x-delayed-retry-min', checkCount],
  ['x-delayed-retry-max', checkCount],
  ['x-quorum-initial-group-size', checkSize],
  ['x-max-age', checkAge],
  ['x-stream-max-segment-size-bytes', checkCount],
  ['x-stream-filter-size-bytes', checkCount],
  ['x-initial-cluster-size', checkSize],
  ['x-queue-leader-locator', oneOf(['client-local', 'balanced'], 'invalid_queue_locator_arg')],
]);

const checkType = oneOf(QUEUE_TYPES, (text) => `"unsupported queue type '${text}'"`);

/** Why RabbitMQ would refuse to create `named` (`queue 'q' in vhost 'v'`) with these arguments: 406, or undefined. */
export function checkQueueArguments(named: string, args: FieldTable): Refusal | undefined {
  const wanted = args.get('x-queue-type');
  const wrongType = wanted === undefined ? undefined : checkType(wanted, args);
  if (wrongType !== undefined) return refuseArgument('x-queue-type', named, wrongType);
  const type = queueTypeOf(args);
  for (const [name, check] of CHECKS) {
    const value = KNOWN[type].includes(name) ? args.get(name) : undefined;
    const wrong = value === undefined ? undefined : check(value, args);
    if (wrong !== undefined) return refuseArgument(name, named, wrong);
  }
  for (const name of args.keys()) {
    if (!KNOWN_TO_SOME.has(name) || KNOWN[type].includes(name)) continue;
    return refuseForeign(name, named, moduleOf(type));
  }
  return undefined;
}

function checkSize(value: FieldValue): string | undefined {
  return integerOf(value) === 0n ? '{value_zero,0}' : checkCount(value);
}

function checkExpiry(value: FieldValue): string | undefined {
  const integer = integerOf(value);
  return integer !== undefined && integer > BigInt(EXPIRY_MAX_MS) ? `{value_too_large,${integer}}` : checkCount(value);
}

function checkPriority(value: FieldValue): string | undefined {
  const integer = integerOf(value);
  return integer !== undefined && integer > BigInt(PRIORITY_MAX) ? `{max_value_exceeded,${integer}}` : checkCount(value);
}

function checkVersion(value: FieldValue): string | undefined {
  const integer = integerOf(value);
  return integer !== undefined && (integer === 0n || integer > 2n) ? `"unsupported queue version '${integer}'"` : checkCount(value);
}

function checkLongstr(value: FieldValue): string | undefined {
  return value.type === 'S' ? undefined : unacceptable(value);
}

function checkDeadLetterRoutingKey(value: FieldValue, args: FieldTable): string | undefined {
  return checkLongstr(value) ?? (args.has('x-dead-letter-exchange') ? undefined : 'routing_key_but_no_dlx_defined');
}

/** A delay without its smallest value would be none at all. */
function checkRetryType(value: FieldValue, args: FieldTable): string | undefined {
  const wrong = oneOf(['disabled', ...RETRY_TYPES], 'invalid_delayed_retry_type')(value, args);
  if (wrong !== undefined || (value.type === 'S' && textOf(value.value) === 'disabled')) return wrong;
  return args.has('x-delayed-retry-min') ? undefined : 'delayed_retry_type_but_no_min_defined';
}

function checkAge(value: FieldValue): string | undefined {
  if (value.type !== 'S') return unacceptable(value);
  return /^0*[1-9][0-9]*[YMDhms]$/.test(textOf(value.value)) ? undefined : 'invalid_max_age';
}

function oneOf(texts: readonly string[], wrong: string | ((text: string) => string)): Check {
  return (value) => {
    if (value.type !== 'S') return unacceptable(value);
    const text = textOf(value.value);
    if (texts.includes(text)) return undefined;
    return typeof wrong === 'string' ? wrong : wrong(text);
  };
}
