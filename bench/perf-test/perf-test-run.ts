/** One run as PerfTest makes it: the exchange and queues that were asked for, a line for each interval, a summary. */
import { nowNs } from '../client/clock.ts';
import { openSides } from '../client/conduct.ts';
import { CALLS_ONLY, Connection } from '../client/connection.ts';
import { mergeHistograms, summarizeLatency } from '../client/latency.ts';
import { SideProcess } from '../client/side-process.ts';
import { bodiesOf } from './perf-test-bodies.ts';
import { startLines, type LineShape } from './perf-test-lines.ts';
import type { PerfTestOptions } from './perf-test-options.ts';
import { openOutput, type Output } from './perf-test-output.ts';
import { Printer } from './perf-test-printer.ts';
import { serversUp } from './perf-test-servers.ts';
import { declareTopology } from './perf-test-topology.ts';

/** Between the order to run and the start: both sides have it by then. */
const LEAD_MS = 200;
/** So much later than the start a run without a limit ends. */
const FOREVER_NS = Infinity;
const EXIT_REASONS = { idle: 'Consumers have been idle for more than 1 second', empty: 'Consumer queue(s) empty' } as const;

export type PerfTestResult = { readonly sentPerSecond: number; readonly receivedPerSecond: number; readonly messages: number };

/** Ends after its time, with its last message, or when the signal comes. Rejects when the broker refuses or a side fails. */
export async function runPerfTest(options: PerfTestOptions, say: (line: string) => void, signal: AbortSignal): Promise<PerfTestResult> {
  const { id, bodies } = options;
  const load = bodies === undefined ? options.load : { ...options.load, bodies: bodiesOf(bodies) };
  const output = openOutput(shapeOf(options), options.form, options.outputFile, say);
  const controls: Connection[] = [];
  const sides = { consumers: new SideProcess('consumers'), producers: new SideProcess('producers') };
  try {
    const urls = options.startup === undefined ? options.urls : await serversUp(options.urls, options.startup, signal);
    for (const url of new Set(urls)) controls.push(await Connection.open(url, { ...CALLS_ONLY, frameMaxBytes: load.frameMaxBytes }));
    const layout = await declareTopology(controls, options.wish, load);
    for (const line of startLines(id, load)) say(line);
    const openedNs = await openSides(sides, urls, load, layout);
    return await runSides(sides, { ...options, load }, openedNs, output, say, signal);
  } finally {
    sides.consumers.kill();
    sides.producers.kill();
    for (const control of controls) await control.close();
    output.close();
  }
}

function shapeOf({ id, load, isMandatory, inMilliseconds }: PerfTestOptions): LineShape {
  return { id, hasProducers: load.producers > 0, hasConsumers: load.consumers > 0, hasConfirms: load.outstandingLimit !== undefined, isMandatory, inMilliseconds };
}

async function runSides(sides: { readonly consumers: SideProcess; readonly producers: SideProcess }, options: PerfTestOptions, openedNs: number, output: Output, say: (line: string) => void, signal: AbortSignal): Promise<PerfTestResult> {
  const { consumers, producers } = sides;
  const { load, intervalMs, seconds } = options;
  const startNs = nowNs() + LEAD_MS * 1e6;
  // Consumers alone have work as soon as they are there.
  const beganNs = load.producers === 0 ? openedNs : startNs;
  const over = Promise.withResolvers<string>();
  const printer = new Printer(startNs, output.interval);
  output.header();
  const waiting = new Set<SideProcess>([
    ...(load.messagesPerProducer !== undefined && load.producers > 0 ? [producers] : []),
    ...((load.messagesPerConsumer !== undefined || load.exitWhen !== undefined) && load.consumers > 0 ? [consumers] : []),
  ]);
  for (const [side, role] of [[consumers, 'received'], [producers, 'sent']] as const) {
    side.onSample = (sample) => printer.take(role, sample);
    side.onFailure = over.reject;
    side.onDone = () => {
      waiting.delete(side);
      if (waiting.size === 0) over.resolve(side === consumers && load.exitWhen !== undefined ? EXIT_REASONS[load.exitWhen] : 'Producers and consumers have had their messages');
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
    output.summary({ ...result, consumerLatency, confirmLatency: summarizeLatency(mergeHistograms([confirmHistogram])) });
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
