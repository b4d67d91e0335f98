/** A PerfTest command line as a load, and as the exchange and queues that it wants. */
import type { Fields } from '../client/field-table.ts';
import type { MessageProperties } from '../client/message-properties.ts';
import type { Load } from '../scenario/load.ts';
import type { BodyWish } from './perf-test-bodies.ts';
import type { FlagName, GivenFlags } from './perf-test-flags.ts';
import { exchangeName, messageProperties, oneOf, queueArguments, queueSequence, steps, tableOf } from './perf-test-values.ts';

export type PerfTestOptions = {
  readonly id: string;
  /** Several brokers, or several nodes of one: each connection takes one of them. */
  readonly urls: readonly string[];
  readonly load: Load;
  /** undefined: bodies of so many bytes. */
  readonly bodies: BodyWish | undefined;
  readonly wish: TopologyWish;
  /** undefined: until it is interrupted, or every producer or consumer has had its messages. */
  readonly seconds: number | undefined;
  readonly intervalMs: number;
  readonly inMilliseconds: boolean;
  readonly isMandatory: boolean;
  readonly form: 'default' | 'compact';
  /** How long brokers may take to be there, s, and how many of the addresses are enough; undefined: they must be there now. */
  readonly startup: { readonly seconds: number; readonly enough: number } | undefined;
  /** Where the figures go as CSV too. */
  readonly outputFile: string | undefined;
};

/** What is declared, as PerfTest does it. */
export type TopologyWish = {
  readonly exchange: string;
  readonly type: string;
  /** undefined: a random one for the run, or the queue's name with the default exchange and with a sequence. */
  readonly routingKey: string | undefined;
  /** Empty: one for each consumer, named by the broker. */
  readonly queues: readonly string[];
  /** A file with more names, one a line. */
  readonly queueFile: string | undefined;
  /** Queues are a sequence: client i has queue i, and its name is the routing key. */
  readonly isSequence: boolean;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Fields | undefined;
  readonly isPredeclared: boolean;
  readonly isBound: boolean;
  /** Queues belong to the connection that consumes them. */
  readonly isExclusive: boolean;
};

/** Body of a message that carries its number and its time; PerfTest's is no shorter. */
const SMALLEST_BODY_BYTES = 12;
/** `-c 0`: confirms without a limit. */
const MOST_OUTSTANDING = 65_536;
const SMALLEST_FRAME_BYTES = 4_096;
const DEFAULT_BODY_COUNT = 100;
const DEFAULT_FIELD_COUNT = 1_000;

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
  const value = new Values(given);
  const flags = (given.flags ?? []).flatMap((flag) => flag.split(','));
  for (const flag of flags) if (flag !== 'persistent' && flag !== 'mandatory') throw new RangeError(`flag cannot be "${flag}": give persistent or mandatory.`);
  const isQuorum = value.has('quorumQueue');
  const isPersistent = flags.includes('persistent') || isQuorum;
  const wish = topologyWish(value, given, isPersistent, isQuorum);
  const bodies = bodyWish(value);
  return {
    id: value.text('id') ?? id,
    urls: (value.text('uris') ?? value.text('uri') ?? 'amqp://localhost').split(',').map((url) => url.trim()),
    seconds: value.limited('time'),
    intervalMs: value.amount('interval', 1, 0.1) * 1_000,
    inMilliseconds: value.has('useMillis'),
    isMandatory: flags.includes('mandatory'),
    form: oneOf('metricsFormat', value.text('metricsFormat'), ['default', 'compact']) ?? 'default',
    outputFile: value.text('outputFile'),
    startup: startupWish(value),
    wish,
    bodies,
    load: {
      queues: 0,
      persistent: isPersistent,
      timed: true,
      mandatory: flags.includes('mandatory'),
      allocation: oneOf('connectionAllocation', value.text('connectionAllocation'), ['random', 'round-robin']) ?? 'random',
      ...frameMax(value),
      ...producing(value, given),
      ...consuming(value, given, wish),
      ...properties(value, bodies),
    },
  };
}

function startupWish(value: Values): PerfTestOptions['startup'] {
  if (!value.truth('noDelay', true)) throw new RangeError('noDelay cannot be "false": this client writes whole batches, and never waits to fill a segment.');
  const seconds = value.limited('startupTimeout');
  return seconds === undefined ? undefined : { seconds, enough: value.limited('serversUpLimit') ?? Infinity };
}

function topologyWish(value: Values, given: GivenFlags, isPersistent: boolean, isQuorum: boolean): TopologyWish {
  const sequence = queueSequence(value.text('queuePattern'), value.maybe('queuePatternFrom'), value.maybe('queuePatternTo'));
  return {
    exchange: exchangeName(value.has('exchange') ? (value.text('exchange') ?? '') : (value.text('type') ?? 'direct')),
    type: value.text('type') ?? 'direct',
    routingKey: value.text('routingKey'),
    queues: sequence ?? (value.text('queue') ?? '').split(',').filter((name) => name !== ''),
    queueFile: value.text('queueFile'),
    isSequence: sequence !== undefined,
    durable: isPersistent,
    autoDelete: value.truth('autoDelete', !isQuorum),
    arguments: queueArguments(given.queueArguments, isQuorum, value.text('maxLengthBytes')),
    isPredeclared: value.has('predeclared'),
    isBound: !value.has('skipBinding'),
    isExclusive: value.has('exclusive'),
  };
}

function frameMax(value: Values): Partial<Load> {
  const frameMaxBytes = value.limited('frameMax');
  if (frameMaxBytes !== undefined && frameMaxBytes < SMALLEST_FRAME_BYTES) throw new RangeError(`frameMax cannot be "${frameMaxBytes}": no broker takes less than ${SMALLEST_FRAME_BYTES}.`);
  return frameMaxBytes === undefined ? {} : { frameMaxBytes };
}

function producing(value: Values, given: GivenFlags): Pick<Load, 'producers' | 'bodyBytes'> & Partial<Load> {
  const producers = value.whole('producers', 1);
  const producerChannels = value.whole('producerChannels', 1, 1);
  const confirm = value.text('confirm') === undefined ? undefined : value.whole('confirm', 0, -1);
  const interval = value.amount('publishingInterval', 0);
  const rate = interval > 0 ? 1 / interval : value.amount('rate', -1, -1);
  const threads = producers * producerChannels;
  const rateSteps = steps('variableRate', given.variableRate)?.map(({ value: one, seconds }) => ({ value: one * threads, seconds }));
  const sizeSteps = steps('variableSize', given.variableSize)?.map(({ value: one, seconds }) => ({ value: Math.max(SMALLEST_BODY_BYTES, one), seconds }));
  const [messages, transaction, cached, delay] = [value.limited('producerMessages'), value.limited('producerTransaction'), value.limited('routingKeyCache'), value.limited('startDelay')];
  const farewellSeconds = value.amount('shutdownTimeout', 5);
  return {
    producers,
    producerChannels,
    bodyBytes: sizeSteps?.[0]?.value ?? Math.max(SMALLEST_BODY_BYTES, value.whole('size', 0)),
    ...(confirm === undefined || confirm < 0 ? {} : { outstandingLimit: confirm === 0 ? MOST_OUTSTANDING : confirm }),
    ...(rate > 0 ? { ratePerSecond: rate * threads } : {}),
    ...(rateSteps === undefined ? {} : { rateSteps }),
    ...(sizeSteps === undefined ? {} : { sizeSteps }),
    ...(messages === undefined ? {} : { messagesPerProducer: messages }),
    ...(transaction === undefined ? {} : { producerTransaction: transaction }),
    ...(value.has('randomRoutingKey') || cached !== undefined ? { randomKeys: { cached } } : {}),
    ...(delay === undefined ? {} : { producerStartDelaySeconds: delay }),
    ...(farewellSeconds > 0 ? { farewellMs: farewellSeconds * 1_000 } : {}),
  };
}

function consuming(value: Values, given: GivenFlags, wish: TopologyWish): Pick<Load, 'consumers' | 'automaticAck' | 'prefetch' | 'ackEvery'> & Partial<Load> {
  const [connections, channels] = [value.whole('consumers', 1), value.whole('consumerChannels', 1, 1)];
  // Exclusive queues with names have one connection, and all their consumers are on it.
  const isOne = wish.isExclusive && !wish.isSequence && (wish.queues.length > 0 || wish.queueFile !== undefined) && connections > 1;
  const [consumers, consumerChannels] = isOne ? [1, connections * channels] : [connections, channels];
  const every = value.whole('multiAckEvery', 0);
  const latencySteps = steps('variableLatency', given.variableLatency);
  const [messages, transaction, delay] = [value.limited('consumerMessages'), value.limited('consumerTransaction'), value.limited('consumerStartDelay')];
  const exitWhen = oneOf('exitWhen', value.text('exitWhen'), ['empty', 'idle']);
  const consumerArguments = tableOf('consumerArguments', given.consumerArguments);
  const rate = value.amount('consumerRate', 0);
  const latencyUs = value.whole('consumerLatency', 0);
  return {
    consumers,
    consumerChannels,
    automaticAck: value.has('autoAck'),
    prefetch: value.whole('qos', 0),
    sharedPrefetch: value.whole('globalQos', 0),
    ackEvery: every === 0 ? 1 : every,
    ...(value.has('nack') ? { settling: value.truth('requeue', true) ? 'requeue' : 'nack' } : {}),
    ...(consumerArguments === undefined ? {} : { consumerArguments }),
    ...(latencySteps === undefined ? {} : { latencySteps }),
    ...(rate > 0 ? { consumerRatePerSecond: rate * consumerChannels } : {}),
    ...(latencyUs > 0 ? { consumerLatencyUs: latencyUs / consumerChannels } : {}),
    ...(messages === undefined ? {} : { messagesPerConsumer: messages }),
    ...(transaction === undefined ? {} : { consumerTransaction: transaction }),
    ...(value.has('polling') ? { pollingIntervalMs: value.amount('pollingInterval', 0) } : {}),
    ...(value.has('slowStart') ? { slowStart: true } : {}),
    ...(delay === undefined ? {} : { consumerStartDelaySeconds: delay }),
    ...(exitWhen === undefined ? {} : { exitWhen }),
  };
}

function bodyWish(value: Values): BodyWish | undefined {
  const files = (value.text('body') ?? '').split(',').map((file) => file.trim()).filter((file) => file !== '');
  if (files.length > 0) return { kind: 'files', files };
  if (!value.has('jsonBody')) return undefined;
  return { kind: 'json', sizeBytes: value.whole('size', 0), count: value.whole('bodyCount', DEFAULT_BODY_COUNT, 1), fields: value.whole('bodyFieldCount', DEFAULT_FIELD_COUNT, 1) };
}

function properties(value: Values, bodies: BodyWish | undefined): { readonly properties?: MessageProperties } {
  const contentType = bodies?.kind === 'json' ? 'application/json' : value.text('bodyContentType');
  const given = messageProperties(value.text('messageProperties'));
  return contentType === undefined && given === undefined ? {} : { properties: { ...(contentType === undefined ? {} : { contentType }), ...given } };
}

/** Values of the command line, read as what they should be. */
class Values {
  readonly #given: GivenFlags;

  constructor(given: GivenFlags) {
    this.#given = given;
  }

  has(name: FlagName): boolean {
    return this.#given[name] !== undefined;
  }

  text(name: FlagName): string | undefined {
    return this.#given[name]?.[0];
  }

  truth(name: FlagName, fallback: boolean): boolean {
    return this.text(name) === undefined ? fallback : this.text(name) === 'true';
  }

  maybe(name: FlagName): number | undefined {
    return this.text(name) === undefined ? undefined : Number(this.text(name));
  }

  amount(name: FlagName, fallback: number, least = 0): number {
    const value = this.maybe(name) ?? fallback;
    if (!Number.isFinite(value) || (this.has(name) && value < least)) throw new RangeError(`${name} cannot be "${this.text(name)}": give a number from ${least}.`);
    return value;
  }

  whole(name: FlagName, fallback: number, least = 0): number {
    const value = this.amount(name, fallback, least);
    if (!Number.isInteger(value)) throw new RangeError(`${name} cannot be "${this.text(name)}": give a whole number.`);
    return value;
  }

  /** undefined: 0, or not given, which means the same. */
  limited(name: FlagName): number | undefined {
    return this.whole(name, 0) || undefined;
  }
}
