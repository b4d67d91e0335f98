/** Runs one load against one broker: queues of its own, two forked sides, a common start, a counted window, and what is left. */
import type { Load } from '../scenario/scenario.ts';
import { callAt, nowNs, pause } from './clock.ts';
import { Connection, IDLE_RECEIVE_BYTES } from './connection.ts';
import { mergeHistograms, summarizeLatency, type LatencySummary } from './latency.ts';
import type { Window } from './orders.ts';
import { declareQueue, deleteQueue, freshQueueName, queueDepth } from './queue-calls.ts';
import { SideProcess } from './side-process.ts';

/** Between the order to run and the start: both sides have it by then. */
const LEAD_MS = 200;
/** How long after the window a rated load may still deliver what it owes. */
const DRAIN_LIMIT_MS = 10_000;
const DRAIN_STEP_MS = 50;

export type Timing = { readonly warmupSeconds: number; readonly windowSeconds: number };

/** Called when the window opens and when it closes, for figures that only the caller can read (the broker's CPU time). */
export type WindowWatch = { readonly opened: () => void; readonly closed: () => void };

export type LoadResult = {
  /** Messages a second that the consumers received in the window. */
  readonly receivedPerSecond: number;
  /** Messages a second that the producers wrote in the window. */
  readonly sentPerSecond: number;
  /** Messages that the consumers received in the window. */
  readonly received: number;
  /** Messages ready in the queues just after the window. */
  readonly left: number;
  /** Messages written and not received just after the window: the queues, and all buffers on the way. */
  readonly behind: number;
  /** Only of loads with a rate. `missing`: sent and not delivered within the drain limit. */
  readonly latency?: LatencySummary & { readonly missing: number };
};

/** Rejects when the broker refuses or a side fails; leaves no queue and no process behind. */
export async function conduct(url: string, load: Load, timing: Timing, watch?: WindowWatch): Promise<LoadResult> {
  const queues = Array.from({ length: load.queues }, freshQueueName);
  const control = await Connection.open(url, { receiveBytes: IDLE_RECEIVE_BYTES });
  const consumers = new SideProcess('consumers');
  const producers = new SideProcess('producers');
  try {
    for (const queue of queues) await declareQueue(control, queue, load.persistent);
    consumers.tell({ kind: 'open', role: 'consumers', url, queues, load });
    await consumers.next('opened');
    producers.tell({ kind: 'open', role: 'producers', url, queues, load });
    await producers.next('opened');
    return await runWindow(control, queues, consumers, producers, load, timing, watch);
  } finally {
    consumers.kill();
    producers.kill();
    for (const queue of queues) await deleteQueue(control, queue).catch(() => undefined);
    await control.close();
  }
}

async function runWindow(
  control: Connection,
  queues: readonly string[],
  consumers: SideProcess,
  producers: SideProcess,
  load: Load,
  timing: Timing,
  watch?: WindowWatch,
): Promise<LoadResult> {
  const startNs = nowNs() + LEAD_MS * 1e6;
  const fromNs = startNs + timing.warmupSeconds * 1e9;
  const window: Window = { startNs, fromNs, toNs: fromNs + timing.windowSeconds * 1e9 };
  for (const side of [consumers, producers]) side.tell({ kind: 'run', window });
  if (watch !== undefined) {
    callAt(window.fromNs, watch.opened);
    callAt(window.toNs, watch.closed);
  }
  const [received, sent] = await Promise.all([consumers.next('counted'), producers.next('counted')]);
  let left = 0;
  for (const queue of queues) left += await queueDepth(control, queue);
  const behind = await countBehind(consumers, producers);
  const missing = load.ratePerSecond === undefined ? 0 : await drain(consumers, producers);
  for (const side of [consumers, producers]) side.tell({ kind: 'finish' });
  const { histogram } = await consumers.next('finished');
  await producers.next('finished');
  return {
    receivedPerSecond: received.messages / received.seconds,
    sentPerSecond: sent.messages / sent.seconds,
    received: received.messages,
    left,
    behind,
    ...(load.ratePerSecond === undefined ? {} : { latency: { ...summarizeLatency(mergeHistograms([histogram])), missing } }),
  };
}

async function countBehind(consumers: SideProcess, producers: SideProcess): Promise<number> {
  producers.tell({ kind: 'total' });
  const sent = await producers.next('total');
  consumers.tell({ kind: 'total' });
  const received = await consumers.next('total');
  return Math.max(0, sent.messages - received.messages);
}

/** Waits until everything sent has arrived, for so long as the limit allows; gives what is missing then. */
async function drain(consumers: SideProcess, producers: SideProcess): Promise<number> {
  const endNs = nowNs() + DRAIN_LIMIT_MS * 1e6;
  for (;;) {
    const behind = await countBehind(consumers, producers);
    if (behind === 0 || nowNs() > endNs) return behind;
    await pause(DRAIN_STEP_MS);
  }
}
