/** Runs one load against one broker: queues of its own, two forked sides, a common start, a counted window, and what is left. */
import type { Load } from '../scenario/load.ts';
import { callAt, nowNs, pause } from './clock.ts';
import { CALLS_ONLY, Connection } from './connection.ts';
import { mergeHistograms, summarizeLatency, type LatencySummary } from './latency.ts';
import { declareLayout, deleteLayout, layOut, type Layout } from './layout.ts';
import type { Sample, Window } from './orders.ts';
import { queueDepth } from './queue-calls.ts';
import { SideProcess } from './side-process.ts';

/** Between the order to run and the start: both sides have it by then. */
const LEAD_MS = 200;
/** How long after the window a rated load may still deliver what it owes. */
const DRAIN_LIMIT_MS = 10_000;
/** How long the backlog of a warming-up at full rate may take to arrive: as large as the broker lets it become. */
const HEAT_DRAIN_LIMIT_MS = 60_000;
const DRAIN_STEP_MS = 50;

export type Timing = {
  readonly warmupSeconds: number;
  readonly windowSeconds: number;
  /**
   * Only of loads with a rate: so long everything goes at full rate first, on the same connections and queues, until both programs
   * have compiled what they will run. A broker that compiles inside the window is measured while it compiles.
   */
  readonly heatSeconds?: number;
};

/** For figures that only the caller can read, such as the broker's CPU time, and for whoever looks on. */
export type WindowWatch = {
  readonly opened: () => void;
  readonly closed: () => void;
  /** So often both sides tell how far they are, ms; undefined: never. */
  readonly sampleMs?: number;
  readonly sampled?: (role: 'sent' | 'received', sample: Sample) => void;
  /** The rated load begins, or the one at full rate: on the shared clock, ns. */
  readonly started?: (window: Window) => void;
};

export type LoadResult = {
  /** Messages a second that the consumers received in the window. */
  readonly receivedPerSecond: number;
  /** Messages a second that the producers wrote in the window. */
  readonly sentPerSecond: number;
  /** Publishes a second that the broker confirmed in the window; 0 without confirms. */
  readonly confirmedPerSecond: number;
  /** Messages that the consumers received in the window, and that the broker confirmed. */
  readonly received: number;
  readonly confirmed: number;
  /** Messages ready in the queues just after the window. */
  readonly left: number;
  /** Messages written and not received just after the window: the queues, and all buffers on the way. */
  readonly behind: number;
  /** Only of loads with a rate. `missing`: sent and not delivered within the drain limit. `encoded`: the histogram, us. */
  readonly latency?: LatencySummary & { readonly missing: number; readonly encoded: string };
};

type Sides = { readonly consumers: SideProcess; readonly producers: SideProcess };

/** Rejects when the broker refuses or a side fails; leaves no queue and no process behind. */
export async function conduct(url: string, load: Load, timing: Timing, watch?: WindowWatch): Promise<LoadResult> {
  const layout = layOut(load);
  const control = await Connection.open(url, CALLS_ONLY);
  const sides: Sides = { consumers: new SideProcess('consumers'), producers: new SideProcess('producers') };
  try {
    await declareLayout(control, layout);
    await openSides(sides, [url], load, layout);
    if (load.ratePerSecond !== undefined && timing.heatSeconds !== undefined) await heat(sides, load, timing.heatSeconds);
    return await runWindow(control, layout, sides, load, timing, watch);
  } finally {
    sides.consumers.kill();
    sides.producers.kill();
    await deleteLayout(control, layout);
    await control.close();
  }
}

/** Consumers first: nothing is published before somebody listens. Answers when they began, ns. */
export async function openSides({ consumers, producers }: Sides, urls: readonly string[], load: Load, layout: Layout): Promise<number> {
  const plan = { load, layout: { routes: layout.routes, subscriptions: layout.subscriptions } };
  consumers.tell({ kind: 'open', role: 'consumers', urls, plan });
  const { beganNs } = await consumers.next('opened');
  producers.tell({ kind: 'open', role: 'producers', urls, plan });
  await producers.next('opened');
  return beganNs;
}

/** Everything at full rate for a while, and then until all of it has arrived. Rejects when it does not. */
async function heat(sides: Sides, load: Load, seconds: number): Promise<void> {
  const startNs = nowNs() + LEAD_MS * 1e6;
  const toNs = startNs + seconds * 1e9;
  sides.producers.tell({ kind: 'heat', startNs, toNs });
  await pause(LEAD_MS + seconds * 1_000);
  const left = await drain(sides, load, HEAT_DRAIN_LIMIT_MS);
  if (left > 0) throw new Error(`${left} messages of the warming-up did not arrive within ${HEAT_DRAIN_LIMIT_MS / 1_000} s`);
}

async function runWindow(control: Connection, layout: Layout, sides: Sides, load: Load, timing: Timing, watch?: WindowWatch): Promise<LoadResult> {
  const { consumers, producers } = sides;
  const startNs = nowNs() + LEAD_MS * 1e6;
  const fromNs = startNs + timing.warmupSeconds * 1e9;
  const window: Window = { startNs, fromNs, toNs: fromNs + timing.windowSeconds * 1e9 };
  for (const [side, role] of [[consumers, 'received'], [producers, 'sent']] as const) {
    side.onSample = (sample) => watch?.sampled?.(role, sample);
    side.tell({ kind: 'run', window, sampleMs: watch?.sampleMs });
  }
  if (watch !== undefined) {
    watch.started?.(window);
    callAt(window.fromNs, watch.opened);
    callAt(window.toNs, watch.closed);
  }
  const [received, sent] = await Promise.all([consumers.next('counted'), producers.next('counted')]);
  let left = 0;
  for (const { name } of layout.queues) left += await queueDepth(control, name);
  const behind = load.consumers === 0 ? 0 : await countBehind(sides, load);
  const missing = load.ratePerSecond === undefined ? 0 : await drain(sides, load, DRAIN_LIMIT_MS);
  for (const side of [consumers, producers]) side.tell({ kind: 'finish' });
  const { histogram: encoded } = await consumers.next('finished');
  await producers.next('finished');
  return {
    receivedPerSecond: received.messages / received.seconds,
    sentPerSecond: sent.messages / sent.seconds,
    confirmedPerSecond: sent.confirmed / sent.seconds,
    received: received.messages,
    confirmed: sent.confirmed,
    left,
    behind,
    ...(load.ratePerSecond === undefined ? {} : { latency: { ...summarizeLatency(mergeHistograms([encoded])), missing, encoded } }),
  };
}

async function countBehind({ consumers, producers }: Sides, { topology, queues }: Load): Promise<number> {
  const copies = topology === 'fan-out' ? queues : 1;
  producers.tell({ kind: 'total' });
  const sent = await producers.next('total');
  consumers.tell({ kind: 'total' });
  const received = await consumers.next('total');
  return Math.max(0, sent.messages * copies - received.messages);
}

/** Waits until everything sent has arrived, for so long as the limit allows; gives what is missing then. */
async function drain(sides: Sides, load: Load, limitMs: number): Promise<number> {
  const endNs = nowNs() + limitMs * 1e6;
  for (;;) {
    const behind = await countBehind(sides, load);
    if (behind === 0 || nowNs() > endNs) return behind;
    await pause(DRAIN_STEP_MS);
  }
}
