/** One run as PerfTest makes it: the exchange and queues that were asked for, a line for each interval, a summary. */
import { randomUUID } from 'node:crypto';
import { nowNs } from '../client/clock.ts';
import { openSides } from '../client/conduct.ts';
import { CALLS_ONLY, Connection } from '../client/connection.ts';
import { mergeHistograms, summarizeLatency } from '../client/latency.ts';
import type { Layout, Subscription } from '../client/layout.ts';
import type { Sample } from '../client/orders.ts';
import { bindQueue, declareExchange, declareQueueAs } from '../client/queue-calls.ts';
import { SideProcess } from '../client/side-process.ts';
import type { Load } from '../scenario/load.ts';
import { intervalLine, startLines, summaryLines, type LineShape } from './perf-test-lines.ts';
import type { PerfTestOptions, TopologyWish } from './perf-test-options.ts';

/** Between the order to run and the start: both sides have it by then. */
const LEAD_MS = 200;
/** So much later than the start a run without a limit ends. */
const FOREVER_NS = Infinity;
/** Exchanges that are always there, and that nobody may declare otherwise. */
const PREDECLARED = /^(?:amq\..*)?$/;

export type PerfTestResult = { readonly sentPerSecond: number; readonly receivedPerSecond: number; readonly messages: number };

/** Ends after its time, with its last message, or when the signal comes. Rejects when the broker refuses or a side fails. */
export async function runPerfTest(options: PerfTestOptions, say: (line: string) => void, signal: AbortSignal): Promise<PerfTestResult> {
  const { url, load, id } = options;
  const control = await Connection.open(url, CALLS_ONLY);
  const sides = { consumers: new SideProcess('consumers'), producers: new SideProcess('producers') };
  try {
    const layout = await declareTopology(control, options.wish, load);
    for (const line of startLines(id, load)) say(line);
    const openedNs = await openSides(sides, url, load, layout);
    return await runSides(sides, options, openedNs, say, signal);
  } finally {
    sides.consumers.kill();
    sides.producers.kill();
    await control.close();
  }
}

async function declareTopology(connection: Connection, wish: TopologyWish, load: Load): Promise<Layout> {
  const { exchange, isSequence, isPredeclared } = wish;
  const consumerCount = load.consumers * (load.consumerChannels ?? 1);
  const producerCount = load.producers * (load.producerChannels ?? 1);
  if (!PREDECLARED.test(exchange)) await declareExchange(connection, exchange, wish.type, isPredeclared);
  const named = wish.queues.length > 0;
  const fixedKey = wish.routingKey ?? randomUUID();
  const declare = async (name: string): Promise<string> => {
    const queue = isPredeclared
      ? await declareQueueAs(connection, { name, durable: wish.durable, passive: true })
      : await declareQueueAs(connection, { name, durable: wish.durable, autoDelete: wish.autoDelete, arguments: wish.arguments });
    if (exchange !== '' && wish.isBound) await bindQueue(connection, queue, exchange, isSequence ? queue : fixedKey);
    return queue;
  };
  const queues: string[] = [];
  // Without names every consumer has a queue of its own; without consumers nobody would ever read what the broker names.
  for (const name of named ? wish.queues : isPredeclared ? [] : Array.from({ length: consumerCount }, () => '')) queues.push(await declare(name));
  const subscriptions: Subscription[] = isSequence || !named ? queues.map((queue) => ({ queues: [queue] })) : [{ queues }];
  const keyOf = (index: number): string => {
    const queue = queues[index % Math.max(1, queues.length)] ?? fixedKey;
    if (isSequence) return queue;
    return wish.routingKey ?? (exchange === '' ? queue : fixedKey);
  };
  return {
    exchanges: [],
    queues: [],
    bindings: [],
    routes: Array.from({ length: Math.max(1, producerCount) }, (_, index) => ({ exchange, routingKey: keyOf(index) })),
    subscriptions: subscriptions.length === 0 ? [{ queues: [] }] : subscriptions,
  };
}

async function runSides(sides: { readonly consumers: SideProcess; readonly producers: SideProcess }, options: PerfTestOptions, openedNs: number, say: (line: string) => void, signal: AbortSignal): Promise<PerfTestResult> {
  const { consumers, producers } = sides;
  const { load, intervalMs, seconds } = options;
  const shape: LineShape = {
    id: options.id,
    hasProducers: load.producers > 0,
    hasConsumers: load.consumers > 0,
    hasConfirms: load.outstandingLimit !== undefined,
    isMandatory: options.isMandatory,
    inMilliseconds: options.inMilliseconds,
  };
  const startNs = nowNs() + LEAD_MS * 1e6;
  // Consumers alone have work as soon as they are there.
  const beganNs = load.producers === 0 ? openedNs : startNs;
  const over = Promise.withResolvers<string>();
  const printer = new Printer(shape, startNs, say);
  const waiting = new Set<SideProcess>([
    ...(load.messagesPerProducer !== undefined && load.producers > 0 ? [producers] : []),
    ...(load.messagesPerConsumer !== undefined && load.consumers > 0 ? [consumers] : []),
  ]);
  for (const [side, role] of [[consumers, 'received'], [producers, 'sent']] as const) {
    side.onSample = (sample) => printer.take(role, sample);
    side.onFailure = over.reject;
    side.onDone = () => {
      waiting.delete(side);
      if (waiting.size === 0) over.resolve('Producers and consumers have had their messages');
    };
    side.tell({ kind: 'run', window: { startNs, fromNs: startNs, toNs: FOREVER_NS }, sampleMs: intervalMs });
  }
  const timer = seconds === undefined ? undefined : setTimeout(() => over.resolve('Reached time limit'), LEAD_MS + seconds * 1_000);
  signal.addEventListener('abort', () => over.resolve('Interrupted'), { once: true });
  if (signal.aborted) over.resolve('Interrupted');
  try {
    const reason = await over.promise;
    // A sample that is still on its way must not come after the summary.
    for (const side of [consumers, producers]) side.onSample = undefined;
    const elapsedSeconds = Math.max(0.001, (nowNs() - beganNs) / 1e9);
    const [sent, received] = [await total(producers), await total(consumers)];
    const [confirmHistogram, consumerHistogram] = [await finish(producers), await finish(consumers)];
    say(`test stopped (${reason})`);
    const result = { sentPerSecond: sent / elapsedSeconds, receivedPerSecond: received / elapsedSeconds, messages: received };
    const consumerLatency = summarizeLatency(mergeHistograms([consumerHistogram]));
    for (const line of summaryLines(shape, { ...result, consumerLatency, confirmLatency: summarizeLatency(mergeHistograms([confirmHistogram])) })) say(line);
    return result;
  } finally {
    clearTimeout(timer);
  }
}

async function total(side: SideProcess): Promise<number> {
  side.tell({ kind: 'total' });
  return (await side.next('total')).messages;
}

async function finish(side: SideProcess): Promise<string> {
  side.tell({ kind: 'finish' });
  return (await side.next('finished')).histogram;
}

/** Puts the samples of both sides together: a line when both have told of the same interval. */
class Printer {
  readonly #shape: LineShape;
  readonly #startNs: number;
  readonly #say: (line: string) => void;
  readonly #waiting: Record<'sent' | 'received', Sample[]> = { sent: [], received: [] };
  readonly #last: Record<'sent' | 'received', Sample | undefined> = { sent: undefined, received: undefined };

  constructor(shape: LineShape, startNs: number, say: (line: string) => void) {
    this.#shape = shape;
    this.#startNs = startNs;
    this.#say = say;
  }

  take(role: 'sent' | 'received', sample: Sample): void {
    this.#waiting[role].push(sample);
    const [sent, received] = [this.#waiting.sent[0], this.#waiting.received[0]];
    if (sent === undefined || received === undefined) return;
    this.#waiting.sent.shift();
    this.#waiting.received.shift();
    const [sentBefore, receivedBefore] = [this.#last.sent, this.#last.received];
    this.#last.sent = sent;
    this.#last.received = received;
    // The first sample is the start: nothing lies before it.
    if (sentBefore === undefined || receivedBefore === undefined) return;
    const perSecond = (before: Sample, after: Sample, read: (one: Sample) => number): number => (read(after) - read(before)) / ((after.atNs - before.atNs) / 1e9);
    const line = intervalLine(this.#shape, {
      seconds: (sent.atNs - this.#startNs) / 1e9,
      sentPerSecond: perSecond(sentBefore, sent, ({ messages }) => messages),
      returnedPerSecond: perSecond(sentBefore, sent, ({ returned }) => returned),
      confirmedPerSecond: perSecond(sentBefore, sent, ({ confirmed }) => confirmed),
      nackedPerSecond: perSecond(sentBefore, sent, ({ refused }) => refused),
      receivedPerSecond: perSecond(receivedBefore, received, ({ messages }) => messages),
      consumerLatency: received.latency,
      confirmLatency: sent.latency,
    });
    this.#say(line);
  }
}
