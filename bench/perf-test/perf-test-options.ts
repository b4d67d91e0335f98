/** A PerfTest command line as a load, and as the exchange and queues that it wants. */
import type { FieldValue, Fields } from '../client/field-table.ts';
import type { MessageProperties } from '../client/message-properties.ts';
import type { Load, Step } from '../scenario/load.ts';
import type { FlagName, GivenFlags } from './perf-test-flags.ts';

export type PerfTestOptions = {
  readonly id: string;
  readonly url: string;
  readonly load: Load;
  readonly wish: TopologyWish;
  /** undefined: until it is interrupted, or every producer or consumer has had its messages. */
  readonly seconds: number | undefined;
  readonly intervalMs: number;
  readonly inMilliseconds: boolean;
  readonly isMandatory: boolean;
};

/** What is declared, as PerfTest does it. */
export type TopologyWish = {
  readonly exchange: string;
  readonly type: string;
  /** undefined: a random one for the run, or the queue's name with the default exchange and with a sequence. */
  readonly routingKey: string | undefined;
  /** Empty: one for each consumer, named by the broker. */
  readonly queues: readonly string[];
  /** Queues are a sequence: client i has queue i, and its name is the routing key. */
  readonly isSequence: boolean;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Fields | undefined;
  readonly isPredeclared: boolean;
  readonly isBound: boolean;
};

/** Body of a message that carries its number and its time; PerfTest's is no shorter. */
const SMALLEST_BODY_BYTES = 12;
/** `-c 0`: confirms without a limit. */
const MOST_OUTSTANDING = 65_536;
const DEFAULT_EXCHANGE_NAME = 'amq.default';
const PROPERTY_NAMES = ['contentType', 'contentEncoding', 'correlationId', 'replyTo', 'expiration', 'messageId', 'type', 'userId', 'appId', 'clusterId'] as const;
const NUMBER_PROPERTY_NAMES = ['deliveryMode', 'priority', 'timestamp'] as const;

/** `id`: what the run is called unless it is given. */
export function perfTestOptions(given: GivenFlags, id: string): { readonly options: PerfTestOptions } | { readonly problem: string } {
  try {
    return { options: read(given, id) };
  } catch (error) {
    if (error instanceof RangeError) return { problem: error.message };
    throw error;
  }
}

function read(given: GivenFlags, id: string): PerfTestOptions {
  const text = (name: FlagName): string | undefined => given[name]?.[0];
  const has = (name: FlagName): boolean => given[name] !== undefined;
  const amount = (name: FlagName, fallback: number, least = 0): number => {
    const value = text(name) === undefined ? fallback : Number(text(name));
    if (!Number.isFinite(value) || (text(name) !== undefined && value < least)) throw new RangeError(`${name} cannot be "${text(name)}": give a number from ${least}.`);
    return value;
  };
  const whole = (name: FlagName, fallback: number, least = 0): number => {
    const value = amount(name, fallback, least);
    if (!Number.isInteger(value)) throw new RangeError(`${name} cannot be "${text(name)}": give a whole number.`);
    return value;
  };
  const limited = (name: FlagName): number | undefined => whole(name, 0) || undefined;
  const flags = (given.flags ?? []).flatMap((flag) => flag.split(','));
  for (const flag of flags) if (flag !== 'persistent' && flag !== 'mandatory') throw new RangeError(`flag cannot be "${flag}": give persistent or mandatory.`);
  const isQuorum = has('quorumQueue');
  const isPersistent = flags.includes('persistent') || isQuorum;
  const producers = whole('producers', 1);
  const producerChannels = whole('producerChannels', 1, 1);
  const confirm = text('confirm') === undefined ? undefined : whole('confirm', 0, -1);
  const interval = amount('publishingInterval', 0);
  const rate = interval > 0 ? 1 / interval : amount('rate', -1, -1);
  const threads = producers * producerChannels;
  const rateSteps = steps('variableRate', given.variableRate)?.map(({ value, seconds }) => ({ value: value * threads, seconds }));
  const sizeSteps = steps('variableSize', given.variableSize)?.map(({ value, seconds }) => ({ value: Math.max(SMALLEST_BODY_BYTES, value), seconds }));
  const latencySteps = steps('variableLatency', given.variableLatency);
  const every = whole('multiAckEvery', 0);
  const autoDelete = text('autoDelete') === undefined ? !isQuorum : text('autoDelete') === 'true';
  const properties = messageProperties(text('messageProperties'));
  const sequence = queueSequence(text('queuePattern'), limitedOr(text('queuePatternFrom')), limitedOr(text('queuePatternTo')));
  const exchange = has('exchange') ? (text('exchange') ?? '') : (text('type') ?? 'direct');
  return {
    id: text('id') ?? id,
    url: text('uri') ?? 'amqp://localhost',
    seconds: limited('time'),
    intervalMs: amount('interval', 1, 0.1) * 1_000,
    inMilliseconds: has('useMillis'),
    isMandatory: flags.includes('mandatory'),
    wish: {
      exchange: exchange === DEFAULT_EXCHANGE_NAME ? '' : exchange,
      type: text('type') ?? 'direct',
      routingKey: text('routingKey'),
      queues: sequence ?? (text('queue') ?? '').split(',').filter((name) => name !== ''),
      isSequence: sequence !== undefined,
      durable: isPersistent,
      autoDelete,
      arguments: queueArguments(text('queueArguments'), isQuorum),
      isPredeclared: has('predeclared'),
      isBound: !has('skipBinding'),
    },
    load: {
      producers,
      producerChannels,
      consumers: whole('consumers', 1),
      consumerChannels: whole('consumerChannels', 1, 1),
      queues: 0,
      bodyBytes: sizeSteps?.[0]?.value ?? Math.max(SMALLEST_BODY_BYTES, whole('size', 0)),
      persistent: isPersistent,
      automaticAck: has('autoAck'),
      prefetch: whole('qos', 0),
      sharedPrefetch: whole('globalQos', 0),
      ackEvery: every === 0 ? 1 : every,
      timed: true,
      mandatory: flags.includes('mandatory'),
      ...(confirm === undefined || confirm < 0 ? {} : { outstandingLimit: confirm === 0 ? MOST_OUTSTANDING : confirm }),
      ...(rate > 0 ? { ratePerSecond: rate * threads } : {}),
      ...(rateSteps === undefined ? {} : { rateSteps }),
      ...(sizeSteps === undefined ? {} : { sizeSteps }),
      ...(latencySteps === undefined ? {} : { latencySteps }),
      ...(amount('consumerRate', 0) > 0 ? { consumerRatePerSecond: amount('consumerRate', 0) * whole('consumerChannels', 1, 1) } : {}),
      ...(whole('consumerLatency', 0) > 0 ? { consumerLatencyUs: whole('consumerLatency', 0) / whole('consumerChannels', 1, 1) } : {}),
      ...(limited('producerMessages') === undefined ? {} : { messagesPerProducer: whole('producerMessages', 0) }),
      ...(limited('consumerMessages') === undefined ? {} : { messagesPerConsumer: whole('consumerMessages', 0) }),
      ...(properties === undefined ? {} : { properties }),
    },
  };
}

function limitedOr(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** `rate:seconds` over and over. */
function steps(name: FlagName, texts: readonly string[] | undefined): Step[] | undefined {
  return texts
    ?.flatMap((text) => text.split(','))
    .map((text) => {
      const match = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(text);
      if (match === null || !(Number(match[2]) > 0)) throw new RangeError(`${name} cannot be "${text}": give a figure and seconds, such as 1000:30.`);
      return { value: Number(match[1]), seconds: Number(match[2]) };
    });
}

function pairs(name: string, text: string): [string, FieldValue][] {
  return text.split(',').map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new RangeError(`${name} cannot be "${pair}": give name=value, separated by commas.`);
    const value = pair.slice(at + 1);
    if (/^-?\d{1,15}$/.test(value)) return [pair.slice(0, at), Number(value)];
    return [pair.slice(0, at), value === 'true' ? true : value === 'false' ? false : value];
  });
}

function queueArguments(text: string | undefined, isQuorum: boolean): Fields | undefined {
  const given = text === undefined || text === '' ? [] : pairs('queueArguments', text);
  const all = isQuorum ? [['x-queue-type', 'quorum'] as const, ...given] : given;
  return all.length === 0 ? undefined : Object.fromEntries(all);
}

/** Names that are no property become headers. */
function messageProperties(text: string | undefined): MessageProperties | undefined {
  if (text === undefined || text === '') return undefined;
  const headers: Record<string, FieldValue> = {};
  const properties: Record<string, string | number> = {};
  for (const [name, value] of pairs('messageProperties', text)) {
    if (PROPERTY_NAMES.some((known) => known === name)) properties[name] = String(value);
    else if (NUMBER_PROPERTY_NAMES.some((known) => known === name)) {
      if (typeof value !== 'number') throw new RangeError(`messageProperties: ${name} must be a number.`);
      properties[name] = value;
    } else headers[name] = value;
  }
  return Object.keys(headers).length === 0 ? properties : { ...properties, headers };
}

/** `queue-%d` or `queue-%03d` from one number to another. */
function queueSequence(pattern: string | undefined, from: number | undefined, to: number | undefined): string[] | undefined {
  if (pattern === undefined && from === undefined && to === undefined) return undefined;
  if (pattern === undefined || from === undefined || to === undefined || !Number.isInteger(from) || !Number.isInteger(to) || from > to) {
    throw new RangeError('queuePattern, queuePatternFrom and queuePatternTo belong together, and the last is not below the first.');
  }
  return Array.from({ length: to - from + 1 }, (_, index) =>
    pattern.replace(/%(0?)(\d*)d/, (_match, zero: string, width: string) => String(from + index).padStart(Number(width), zero === '' ? ' ' : '0')),
  );
}
